import { CircuitBreaker, type Clock, type Permit } from '@taleback/resilience';

/** What the sender knows of an entry before it reads it: a backlog is held in memory as these only. */
export interface EntryName {
  /** Rises with every entry of a store: entries are sent in this order. */
  readonly id: number;
  /** When it was written, unix ms. */
  readonly stamp: number;
  /** The receiver's origin. */
  readonly destination: string;
  readonly lane: string;
}

/** Messages that have to stay in order. Only the first is ever tried; the state here is the first one's. */
export interface Lane {
  readonly key: string;
  readonly destination: Destination;
  readonly entries: EntryName[];
  /** When its next attempt is planned, ms. */
  dueMs: number;
  /** When it may be tried at the earliest, ms. */
  notBeforeMs: number;
  attempts: number;
  /** When it was first tried in this life of the process, ms. */
  firstTriedMs: number | undefined;
  unauthorizedSinceMs: number | undefined;
  /** Accepted; only its row is still there. */
  isDelivered: boolean;
  isBusy: boolean;
}

const FRESH = {
  dueMs: 0,
  notBeforeMs: 0,
  attempts: 0,
  firstTriedMs: undefined,
  unauthorizedSinceMs: undefined,
  isDelivered: false,
  isBusy: false,
};

/**
 * Failures in a row after which single trials find out when a receiver is back: the first after a second, each further one
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
export type Admission =
  | { readonly kind: 'go'; readonly lane: Lane; readonly permit: Permit }
  /** Nothing before then, ms. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Nothing before an attempt has ended or a message comes. */
  | { readonly kind: 'idle' };

/** One receiver: what waits for it, and whether it answers. */
class Destination {
  readonly breaker: CircuitBreaker;
  /** In the order they were queued. A look through ten thousand takes some 30 microseconds. */
  readonly waiting = new Set<Lane>();
  readonly #clock: Clock;
  #inFlight = 0;
  #pausedUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.breaker = new CircuitBreaker(BREAKER, { clock });
    this.breaker.onChange(({ cause }) => {
      if (cause !== 'trials-succeeded') return;
      // The receiver answers again: everything that may be sent is due at once.
      const nowMs = clock.now();
      for (const lane of this.waiting) lane.dueMs = Math.max(lane.notBeforeMs, Math.min(lane.dueMs, nowMs));
    });
  }

  /** True when nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.waiting.size === 0;
  }

  /** Whether a message that comes now has to wait. */
  get isHeld(): boolean {
    return this.#pausedUntilMs > this.#clock.now() || this.breaker.status().state !== 'CLOSED';
  }

  pauseUntil(untilMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
  }

  /** The next lane that is due, or this one, due or not, if the receiver answers. `ended` gives it back. */
  take(only?: Lane): Admission {
    const nowMs = this.#clock.now();
    if (this.#inFlight >= MAX_IN_FLIGHT || (only !== undefined && (only.isBusy || this.isHeld)))
      return { kind: 'idle' };
    let lane = only;
    for (const waiting of only === undefined ? this.waiting : [])
      if (lane === undefined || waiting.dueMs < lane.dueMs) lane = waiting;
    if (lane === undefined) return { kind: 'idle' };
    const fromMs = only === undefined ? Math.max(lane.dueMs, this.#pausedUntilMs) : nowMs;
    if (fromMs > nowMs) return { kind: 'wait', untilMs: fromMs };
    const permit = this.breaker.tryAdmit();
    if (!permit.admitted) return { kind: 'wait', untilMs: nowMs + (permit.retryAfterMs ?? 0) };
    this.waiting.delete(lane);
    lane.isBusy = true;
    this.#inFlight += 1;
    return { kind: 'go', lane, permit };
  }

  /** An attempt has ended; how it ended is for `breaker`. */
  ended(lane: Lane): void {
    lane.isBusy = false;
    this.#inFlight -= 1;
  }
}

/** Everything that waits in one outbox, by name: what is sent next, and in which order. Reads and sends nothing. */
export class Schedule {
  readonly #clock: Clock;
  readonly #destinations = new Map<string, Destination>();
  readonly #lanes = new Map<string, Lane>();
  readonly #laneOfId = new Map<number, Lane>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get depth(): number {
    return this.#laneOfId.size;
  }

  /** Stamp of the oldest entry, Infinity when there is none; walks through the lanes. */
  get oldestStamp(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { entries } of this.#lanes.values())
      oldest = Math.min(oldest, entries[0]?.stamp ?? Number.POSITIVE_INFINITY);
    return oldest;
  }

  has(id: number): boolean {
    return this.#laneOfId.has(id);
  }

  /** Puts an entry behind those of its lane that are older. One that is known already changes nothing. */
  add(name: EntryName): void {
    if (this.#laneOfId.has(name.id)) return;
    const key = `${name.destination} ${name.lane}`;
    const lane = this.#lanes.get(key) ?? this.#openLane(key, name.destination);
    this.#laneOfId.set(name.id, lane);
    lane.entries.push(name);
    if (lane.entries.length === 1) lane.destination.waiting.add(lane);
    else if (!lane.isBusy) lane.entries.sort((one, other) => one.id - other.id);
  }

  /** Whether this entry is not going to be tried soon: its receiver is paused, or an older one of its lane waits. */
  isHeld(id: number): boolean {
    const lane = this.#laneOfId.get(id);
    const isFirst = lane?.entries[0]?.id === id;
    if (lane === undefined || (lane.isBusy && isFirst)) return false;
    return lane.destination.isHeld || (!isFirst && lane.attempts > 0);
  }

  /** The next lane that may be tried; receivers alternate. */
  next(): Admission {
    let untilMs = Number.POSITIVE_INFINITY;
    for (const [key, destination] of this.#destinations) {
      const admission = destination.take();
      if (admission.kind === 'go') {
        this.#destinations.delete(key);
        this.#destinations.set(key, destination);
        return admission;
      }
      if (admission.kind === 'wait') untilMs = Math.min(untilMs, admission.untilMs);
    }
    return Number.isFinite(untilMs) ? { kind: 'wait', untilMs } : { kind: 'idle' };
  }

  /** The same for this entry, when it is the first of its lane and its receiver answers. */
  nextOf(id: number): Admission {
    const lane = this.#laneOfId.get(id);
    return lane?.entries[0]?.id === id ? lane.destination.take(lane) : { kind: 'idle' };
  }

  /** The first of the lane is done, or has become another entry; the next one begins. */
  drop(lane: Lane, replacement?: EntryName): void {
    const done = lane.entries.shift();
    if (done !== undefined) this.#laneOfId.delete(done.id);
    Object.assign(lane, { ...FRESH, dueMs: this.#clock.now() });
    if (replacement !== undefined) this.add(replacement);
    if (lane.entries.length > 0) return void lane.destination.waiting.add(lane);
    this.#lanes.delete(lane.key);
    const [destination = ''] = lane.key.split(' ');
    if (lane.destination.isIdle) this.#destinations.delete(destination);
  }

  /** The first of the lane is tried again, default as planned before. */
  requeue(lane: Lane, dueMs = lane.dueMs): void {
    lane.dueMs = dueMs;
    lane.destination.waiting.add(lane);
  }

  #openLane(key: string, origin: string): Lane {
    const destination = this.#destinations.get(origin) ?? new Destination(this.#clock);
    this.#destinations.set(origin, destination);
    const lane: Lane = { key, destination, entries: [], ...FRESH, dueMs: this.#clock.now() };
    this.#lanes.set(key, lane);
    return lane;
  }
}
