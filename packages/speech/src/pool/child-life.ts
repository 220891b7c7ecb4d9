import type { Clock } from '@taleback/resilience';
import type { WorkerState } from '../status/index.ts';
import type { ChildReadiness, OpenSpeechChild, SpeechChild, SpeechChildEvents } from './speech-child.ts';

export interface ChildLifeEvents extends Pick<SpeechChildEvents, 'onSpoken' | 'onFailed' | 'onPulse'> {
  readonly onState: (from: WorkerState, cause: string | undefined) => void;
  readonly onReady: (readiness: ChildReadiness) => void;
  /** It is gone. `wasReady`: it could speak before. */
  readonly onGone: (wasReady: boolean, cause: string) => void;
}

/** A child that was told to leave and has not within this time is ended, in milliseconds. */
const LEAVE_MS = 1_000;
/** A child that was ended and does not tell of its end within this time is given up, in milliseconds. */
const KILL_MS = 5_000;

/**
 * The children of one worker, one after the other, and the state that the present one is in. What an earlier child
 * says late is not heard.
 *
 * @see seed 004, "Worker States"
 */
export class ChildLife {
  readonly #clock: Clock;
  readonly #startTimeoutMs: number;
  readonly #events: ChildLifeEvents;
  #child: SpeechChild | undefined;
  #readiness: ChildReadiness | undefined;
  #state: WorkerState = 'TERMINATED';
  #sinceMs: number;
  #starts = 0;
  #readyAtMs: number | undefined;
  /** Why we end it, if we do. */
  #cause: string | undefined;
  #ending: 'asked' | 'killed' | undefined;
  #stopTimer: () => void = () => {};

  constructor(clock: Clock, startTimeoutMs: number, events: ChildLifeEvents) {
    this.#clock = clock;
    this.#startTimeoutMs = startTimeoutMs;
    this.#events = events;
    this.#sinceMs = clock.now();
  }

  get state(): WorkerState {
    return this.#state;
  }
  /** Since when it is in its state, epoch milliseconds. */
  get sinceMs(): number {
    return this.#sinceMs;
  }
  get child(): SpeechChild | undefined {
    return this.#child;
  }
  /** Of the present, or last, child; undefined until it could speak. */
  get readiness(): ChildReadiness | undefined {
    return this.#readiness;
  }
  get starts(): number {
    return this.#starts;
  }
  /** How long the present, or last, child could speak, in milliseconds. */
  get servedMs(): number {
    return this.#readyAtMs === undefined ? 0 : this.#clock.now() - this.#readyAtMs;
  }
  /** Whether it may be given work. */
  get isServing(): boolean {
    return this.#state === 'READY' || this.#state === 'BUSY';
  }

  /** Starts a child. Only when there is none. */
  start(workerId: string, open: OpenSpeechChild): void {
    const { onSpoken, onFailed, onPulse } = this.#events;
    this.#starts += 1;
    const start = this.#starts;
    const ifPresent =
      <Args extends readonly unknown[]>(hear: (...args: Args) => void) =>
      (...args: Args): void => {
        if (this.#starts === start && this.#state !== 'TERMINATED') hear(...args);
      };
    this.#readiness = undefined;
    this.#readyAtMs = undefined;
    this.#cause = undefined;
    this.#ending = undefined;
    this.#become('INITIALIZING', undefined);
    this.#after(this.#startTimeoutMs, () => this.kill('took too long to start'));
    const onEnd = ifPresent((cause: string) => this.#gone(cause));
    try {
      const child = open(workerId, {
        onReady: ifPresent((readiness) => this.#ready(readiness)),
        onSpoken: ifPresent(onSpoken),
        onFailed: ifPresent(onFailed),
        onPulse: ifPresent(onPulse),
        onEnd,
      });
      ifPresent(() => {
        this.#child = child;
        if (this.#ending === 'killed') this.#end(child);
      })();
    } catch (error) {
      // Not within this call, so that whoever starts it sees it started first.
      const cause = error instanceof Error ? error.message : String(error);
      this.#after(0, () => onEnd(cause));
    }
  }

  /** Whether it has work now. */
  becomeBusy(isBusy: boolean): void {
    if (this.isServing) this.#become(isBusy ? 'BUSY' : 'READY', undefined);
  }

  /** From now on it is given nothing more; one that cannot speak is ended at once. `askToLeave` follows. */
  beginToLeave(cause: string): void {
    if (this.#state === 'SHUTTING_DOWN') return;
    if (!this.isServing) {
      this.kill(cause);
      return;
    }
    this.#cause = cause;
    this.#become('SHUTTING_DOWN', cause);
  }

  /** It has nothing left to do: it may go. */
  askToLeave(): void {
    if (this.#ending !== undefined) return;
    this.#ending = 'asked';
    this.#after(LEAVE_MS, () => this.kill('did not leave'));
    this.#child?.leave();
  }

  /** Ends it at once. */
  kill(cause: string): void {
    if (this.#state === 'TERMINATED' || this.#ending === 'killed') return;
    this.#ending = 'killed';
    this.#cause ??= cause;
    // From now on it is given nothing more.
    if (this.#state !== 'SHUTTING_DOWN') this.#become('UNHEALTHY', cause);
    // One that could not even be opened is gone within this turn.
    if (this.#child !== undefined) this.#end(this.#child);
  }

  #end(child: SpeechChild): void {
    this.#after(KILL_MS, () => this.#gone('its end was never told'));
    child.kill();
  }

  #ready(readiness: ChildReadiness): void {
    if (this.#state !== 'INITIALIZING') return;
    this.#stopTimer();
    this.#readyAtMs = this.#clock.now();
    this.#readiness = readiness;
    this.#events.onReady(readiness);
    this.#become('READY', undefined);
  }

  #gone(cause: string): void {
    const details = this.#cause === undefined ? cause : `${this.#cause} (${cause})`;
    this.#stopTimer();
    this.#child = undefined;
    this.#become('TERMINATED', details);
    this.#events.onGone(this.#readiness !== undefined, details);
  }

  #after(delayMs: number, run: () => void): void {
    this.#stopTimer();
    this.#stopTimer = this.#clock.setTimer(run, delayMs);
  }

  #become(to: WorkerState, cause: string | undefined): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#sinceMs = this.#clock.now();
    this.#events.onState(from, cause);
  }
}
