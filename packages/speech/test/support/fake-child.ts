import type { ErrorReport } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { Pcm } from '../../src/audio/pcm.ts';
import type {
  ChildCall,
  ChildPulse,
  ChildReadiness,
  OpenSpeechChild,
  SpeechChild,
  SpeechChildEvents,
} from '../../src/pool/speech-child.ts';

/** What a child of the tests does automatically when it is opened. */
export type Opening = 'ready' | 'silent' | 'dies' | 'throws';

/** A sound that encodes its text. */
export const soundOf = (text: string): Pcm => ({
  sampleRateHz: 1_000,
  samples: Int16Array.from(text, (letter) => letter.charCodeAt(0)),
});

export const textOf = ({ samples }: Pcm): string => String.fromCharCode(...samples);

/** A child for tests that does what a test asks, when it asks. It ends in the next turn of the event loop. */
export class FakeChild implements SpeechChild {
  readonly pid = 1;
  answersPings = true;
  /** Whether it dies when it is killed, and leaves when it is asked to. */
  isMortal = true;
  isObedient = true;
  /** Whether it answers a ping, a turn later. */
  isAwake = true;
  rssBytes: number | undefined;
  /** After which time it answers automatically; undefined: when the test asks. */
  answersAfterMs: number | undefined;
  soundFor: (text: string) => Pcm = soundOf;
  /** Calls that it has not ended. */
  readonly calls: ChildCall[] = [];
  /** Everything it was asked to speak. */
  readonly heard: string[] = [];
  readonly cancelled: string[] = [];
  pings = 0;
  leaves = 0;
  kills = 0;
  isEnded = false;
  readonly workerId: string;
  readonly #clock: Clock;
  readonly #events: SpeechChildEvents;

  constructor(workerId: string, events: SpeechChildEvents, clock: Clock) {
    this.workerId = workerId;
    this.#events = events;
    this.#clock = clock;
  }

  speak(call: ChildCall): void {
    this.calls.push(call);
    this.heard.push(call.request.text);
    const { answersAfterMs } = this;
    if (answersAfterMs !== undefined)
      this.#clock.setTimer(() => this.answer(call.correlationId), answersAfterMs);
  }

  cancel(correlationId: string): void {
    this.cancelled.push(correlationId);
  }

  ping(): void {
    this.pings += 1;
    if (this.isAwake) this.#clock.setTimer(() => this.pulse(), 0);
  }

  leave(): void {
    this.leaves += 1;
    if (this.isObedient) this.#clock.setTimer(() => this.end('left'), 0);
  }

  kill(): void {
    this.kills += 1;
    if (this.isMortal) this.#clock.setTimer(() => this.end('killed'), 0);
  }

  ready(readiness: Partial<ChildReadiness> = {}): void {
    if (this.isEnded) return;
    this.#events.onReady({ protocol: '2.1.0', concurrency: 1, model: undefined, ...readiness });
  }

  /** Speaks the oldest call, or that one. */
  answer(correlationId = this.calls[0]?.correlationId ?? ''): void {
    const call = this.#take(correlationId);
    if (this.isEnded) return;
    this.#events.onSpoken(correlationId, this.soundFor(call?.request.text ?? 'nobody asked'));
  }

  fail(error: ErrorReport, correlationId = this.calls[0]?.correlationId ?? ''): void {
    this.#take(correlationId);
    if (!this.isEnded) this.#events.onFailed(correlationId, error);
  }

  pulse({ rssBytes = this.rssBytes }: Partial<ChildPulse> = {}): void {
    this.rssBytes = rssBytes;
    if (!this.isEnded) this.#events.onPulse({ rssBytes, model: undefined });
  }

  end(cause = 'died'): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#events.onEnd(cause);
  }

  #take(correlationId: string): ChildCall | undefined {
    const at = this.calls.findIndex((call) => call.correlationId === correlationId);
    return at === -1 ? undefined : this.calls.splice(at, 1)[0];
  }
}

/** Opens children and keeps them all, the oldest first. Ready ones are ready a turn later. */
export const fakeChildren = (
  clock: Clock,
  opening: (count: number) => Opening = () => 'ready',
): { readonly children: FakeChild[]; readonly open: OpenSpeechChild } => {
  const children: FakeChild[] = [];
  let count = 0;
  const open: OpenSpeechChild = (workerId, events) => {
    count += 1;
    const how = opening(count);
    if (how === 'throws') throw new Error('no such program');
    const child = new FakeChild(workerId, events, clock);
    children.push(child);
    if (how === 'ready') clock.setTimer(() => child.ready(), 0);
    if (how === 'dies') clock.setTimer(() => child.end('exit code 1'), 0);
    return child;
  };
  return { children, open };
};

/** An error as a child reports it. */
export const report = (code: ErrorReport['code'], retryable = true, retryAfterMs?: number): ErrorReport => ({
  code,
  message: `It was ${code}.`,
  retryable,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
