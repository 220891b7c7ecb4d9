import type { Clock } from '@taleback/resilience';
import type { ChildReadiness, OpenSpeechChild, SpeechChild, SpeechChildEvents } from './speech-child.ts';
import type { WorkerState } from './speech-line.ts';

export interface ChildLifeEvents extends Omit<SpeechChildEvents, 'onEnd'> {
  readonly onState: (from: WorkerState, cause: string | undefined) => void;
  /** It is gone; `readiness` says whether it could speak before. */
  readonly onGone: (cause: string) => void;
}

/** A child that was asked to leave is killed after this time, in milliseconds. */
const LEAVE_MS = 1_000;
/** A child that was killed and does not report its end within this time is given up, in milliseconds. */
const KILL_MS = 5_000;

/**
 * The children of one worker, one after the other, and the state of the current one. Late events of an earlier child are
 * ignored. Its fields are written by this class only.
 *
 * @see docs/origins.md#worker-states
 */
export class ChildLife {
  state: WorkerState = 'TERMINATED';
  /** When it entered its state, epoch milliseconds. */
  sinceMs: number;
  child: SpeechChild | undefined;
  /** Of the current, or last, child; undefined until it could speak. */
  readiness: ChildReadiness | undefined;
  starts = 0;
  readonly #clock: Clock;
  readonly #startTimeoutMs: number;
  readonly #events: ChildLifeEvents;
  #readyAtMs: number | undefined;
  /** Why we end it, if we do. */
  #cause: string | undefined;
  #ending: 'asked' | 'killed' | undefined;
  #stopTimer: () => void = () => {};

  constructor(clock: Clock, startTimeoutMs: number, events: ChildLifeEvents) {
    this.#clock = clock;
    this.#startTimeoutMs = startTimeoutMs;
    this.#events = events;
    this.sinceMs = clock.now();
  }

  /** How long the current, or last, child could speak, in milliseconds. */
  get servedMs(): number {
    return this.#readyAtMs === undefined ? 0 : this.#clock.now() - this.#readyAtMs;
  }

  /** Whether it may be given work. */
  get isServing(): boolean {
    return this.state === 'READY' || this.state === 'BUSY';
  }

  /** Starts a child. Only when there is none. */
  start(workerId: string, open: OpenSpeechChild): void {
    const { onSpoken, onFailed, onPulse } = this.#events;
    this.starts += 1;
    const start = this.starts;
    const ifCurrent =
      <Args extends readonly unknown[]>(listener: (...args: Args) => void) =>
      (...args: Args): void => {
        if (this.starts === start && this.state !== 'TERMINATED') listener(...args);
      };
    this.readiness = undefined;
    this.#readyAtMs = undefined;
    this.#cause = undefined;
    this.#ending = undefined;
    this.#become('INITIALIZING', undefined);
    this.#after(this.#startTimeoutMs, () => this.kill('took too long to start'));
    const onEnd = ifCurrent((cause: string) => this.#gone(cause));
    try {
      const child = open(workerId, {
        onReady: ifCurrent((readiness) => this.#ready(readiness)),
        onSpoken: ifCurrent(onSpoken),
        onFailed: ifCurrent(onFailed),
        onPulse: ifCurrent(onPulse),
        onEnd,
      });
      ifCurrent(() => {
        this.child = child;
        if (this.#ending === 'killed') this.#end(child);
      })();
    } catch (error) {
      // Not within this call, so that the caller sees it started first.
      this.#after(0, () => onEnd(error instanceof Error ? error.message : String(error)));
    }
  }

  /** Whether it has work now. */
  becomeBusy(isBusy: boolean): void {
    if (this.isServing) this.#become(isBusy ? 'BUSY' : 'READY', undefined);
  }

  /** It gets no more work; one that cannot speak is killed. `askToLeave` follows when its work is done. */
  beginToLeave(cause: string): void {
    if (this.state === 'SHUTTING_DOWN') return;
    if (!this.isServing) {
      this.kill(cause);
      return;
    }
    this.#cause = cause;
    this.#become('SHUTTING_DOWN', cause);
  }

  askToLeave(): void {
    if (this.#ending !== undefined) return;
    this.#ending = 'asked';
    this.#after(LEAVE_MS, () => this.kill('did not leave'));
    this.child?.leave();
  }

  kill(cause: string): void {
    if (this.state === 'TERMINATED' || this.#ending === 'killed') return;
    this.#ending = 'killed';
    this.#cause ??= cause;
    if (this.state !== 'SHUTTING_DOWN') this.#become('UNHEALTHY', cause);
    // One that could not even be opened ends in a moment anyway.
    if (this.child !== undefined) this.#end(this.child);
  }

  #end(child: SpeechChild): void {
    this.#after(KILL_MS, () => this.#gone('its end was never reported'));
    child.kill();
  }

  #ready(readiness: ChildReadiness): void {
    if (this.state !== 'INITIALIZING') return;
    this.#stopTimer();
    this.#readyAtMs = this.#clock.now();
    this.readiness = readiness;
    this.#events.onReady(readiness);
    this.#become('READY', undefined);
  }

  #gone(cause: string): void {
    const details = this.#cause === undefined ? cause : `${this.#cause} (${cause})`;
    this.#stopTimer();
    this.child = undefined;
    this.#become('TERMINATED', details);
    this.#events.onGone(details);
  }

  #after(delayMs: number, run: () => void): void {
    this.#stopTimer();
    this.#stopTimer = this.#clock.setTimer(run, delayMs);
  }

  #become(to: WorkerState, cause: string | undefined): void {
    const from = this.state;
    if (from === to) return;
    this.state = to;
    this.sinceMs = this.#clock.now();
    this.#events.onState(from, cause);
  }
}
