import { CircuitBreaker, type Clock, type Permit } from '@taleback/resilience';
import { DueQueue } from './due-queue.ts';
import type { EntryName } from './entry-name.ts';

/** Messages that have to stay in order. Only the first is ever tried; what is told here is of the first. */
export interface Lane {
  readonly key: string;
  readonly destination: Destination;
  readonly entries: EntryName[];
  /** When its next try is wished for, ms. */
  dueMs: number;
  /** When it may be tried at the earliest, ms. */
  notBeforeMs: number;
  attempts: number;
  /** When it was first tried in this life of the process, ms. */
  firstTriedMs: number | undefined;
  unauthorizedSinceMs: number | undefined;
  /** Accepted; only its file is still there. */
  isDelivered: boolean;
  isBusy: boolean;
}

/**
 * Failures in a row after which single trials find out when a receiver is back; the first after a second, each further one
 * after twice the time, a minute at most. A thousand waiting messages cost a dead receiver one request a minute.
 */
const BREAKER = {
  strategy: { kind: 'consecutive', failures: 5 },
  cooldownMs: 1_000,
  adaptive: { minMs: 1_000, maxMs: 60_000 },
  halfOpenSuccesses: 1,
} as const;

/** Requests under way to one receiver: half of what the connection pool holds, the other half is progress. */
const MAX_IN_FLIGHT = 8;

/** Whether something may be sent now. */
export type Turn =
  | { readonly kind: 'go'; readonly lane: Lane; readonly permit: Permit }
  /** Nothing before then, ms. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Nothing before a try has ended or a message comes. */
  | { readonly kind: 'idle' };

/** One receiver: what waits for it, and whether it is well. */
export class Destination {
  readonly breaker: CircuitBreaker;
  readonly #clock: Clock;
  readonly #waiting = new DueQueue<Lane>();
  #inFlight = 0;
  #pausedUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.breaker = new CircuitBreaker(BREAKER, { clock });
    this.breaker.onChange(({ cause }) => {
      if (cause === 'trials-succeeded') this.#wake();
    });
  }

  /** True when nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#waiting.size === 0;
  }

  /** Whether a message that comes now is tried now. */
  get isHeld(): boolean {
    const nowMs = this.#clock.now();
    return this.#pausedUntilMs > nowMs || this.breaker.status().state !== 'CLOSED';
  }

  pauseUntil(untilMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
  }

  enqueue(lane: Lane): void {
    this.#waiting.push(lane);
  }

  /** The next lane that is due, with the right to try it; `ended` gives it back. */
  take(): Turn {
    const nowMs = this.#clock.now();
    const lane = this.#waiting.peek();
    if (lane === undefined || this.#inFlight >= MAX_IN_FLIGHT) return { kind: 'idle' };
    const fromMs = Math.max(lane.dueMs, this.#pausedUntilMs);
    if (fromMs > nowMs) return { kind: 'wait', untilMs: fromMs };
    const permit = this.breaker.tryAdmit();
    if (!permit.admitted) return { kind: 'wait', untilMs: nowMs + (permit.retryAfterMs ?? 0) };
    this.#waiting.pop();
    return this.#start(lane, permit);
  }

  /** Takes this lane out of its turn, due or not, if the receiver is well. */
  takeLane(lane: Lane): Turn {
    if (lane.isBusy || this.isHeld || this.#inFlight >= MAX_IN_FLIGHT) return { kind: 'idle' };
    const permit = this.breaker.tryAdmit();
    if (!permit.admitted) return { kind: 'idle' };
    this.#waiting.remove(lane);
    return this.#start(lane, permit);
  }

  /** A try has ended; how it ended is for `breaker`. */
  ended(lane: Lane): void {
    lane.isBusy = false;
    this.#inFlight -= 1;
  }

  #start(lane: Lane, permit: Permit): Turn {
    lane.isBusy = true;
    this.#inFlight += 1;
    return { kind: 'go', lane, permit };
  }

  /** The receiver answers again: everything that may be sent is due at once. */
  #wake(): void {
    const nowMs = this.#clock.now();
    this.#waiting.reschedule((lane) => Math.max(lane.notBeforeMs, Math.min(lane.dueMs, nowMs)));
  }
}
