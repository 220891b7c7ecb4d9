import type { Clock } from '@taleback/resilience';
import { Destination, type Lane, type Turn } from './destination.ts';
import { byStamp, type EntryName } from './entry-name.ts';

/** Everything that waits in one folder, by name: whose turn it is, and in which order. Reads and sends nothing. */
export class Schedule {
  readonly #clock: Clock;
  readonly #destinations = new Map<string, Destination>();
  readonly #lanes = new Map<string, Lane>();
  readonly #laneOfFile = new Map<string, Lane>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get depth(): number {
    return this.#laneOfFile.size;
  }

  /** Stamp of the oldest entry; walks through the lanes. */
  get oldestStamp(): number | undefined {
    let oldest: number | undefined;
    for (const { entries } of this.#lanes.values()) {
      const stamp = entries[0]?.stamp;
      if (stamp !== undefined && (oldest === undefined || stamp < oldest)) oldest = stamp;
    }
    return oldest;
  }

  has(file: string): boolean {
    return this.#laneOfFile.has(file);
  }

  /** Puts an entry behind those of its lane that are older. One that is known already changes nothing. */
  add(name: EntryName): void {
    if (this.#laneOfFile.has(name.file)) return;
    const key = `${name.destination} ${name.lane}`;
    const lane = this.#lanes.get(key) ?? this.#openLane(key, name.destination);
    this.#laneOfFile.set(name.file, lane);
    const isFirst = lane.entries.length === 0;
    lane.entries.push(name);
    if (isFirst) return lane.destination.enqueue(lane);
    // The first may be under way, so it stays the first.
    const [first, ...later] = lane.entries;
    if (first !== undefined) lane.entries.splice(0, lane.entries.length, first, ...later.sort(byStamp));
  }

  /** Whether this entry is not going to be tried soon: its receiver rests, or an older one of its lane waits. */
  isHeld(file: string): boolean {
    const lane = this.#laneOfFile.get(file);
    if (lane === undefined || (lane.isBusy && lane.entries[0]?.file === file)) return false;
    return lane.destination.isHeld || (lane.entries[0]?.file !== file && lane.attempts > 0);
  }

  /** The next lane whose turn it is; receivers take turns. */
  next(): Turn {
    let untilMs = Number.POSITIVE_INFINITY;
    for (const [key, destination] of this.#destinations) {
      const turn = destination.take();
      if (turn.kind === 'go') {
        this.#destinations.delete(key);
        this.#destinations.set(key, destination);
        return turn;
      }
      if (turn.kind === 'wait') untilMs = Math.min(untilMs, turn.untilMs);
    }
    return Number.isFinite(untilMs) ? { kind: 'wait', untilMs } : { kind: 'idle' };
  }

  /** The turn of this entry, when it is the first of its lane and its receiver is well. */
  nextOf(file: string): Turn {
    const lane = this.#laneOfFile.get(file);
    return lane?.entries[0]?.file === file ? lane.destination.takeLane(lane) : { kind: 'idle' };
  }

  /** The first of the lane is done with; the next one's turn begins. */
  drop(lane: Lane): void {
    const done = lane.entries.shift();
    if (done !== undefined) this.#laneOfFile.delete(done.file);
    Object.assign(lane, { ...FRESH, dueMs: this.#clock.now() });
    if (lane.entries.length > 0) return lane.destination.enqueue(lane);
    this.#lanes.delete(lane.key);
    const [destinationKey = ''] = lane.key.split(' ');
    if (lane.destination.isIdle) this.#destinations.delete(destinationKey);
  }

  /** The first of the lane is tried again, when its `dueMs` says. */
  requeue(lane: Lane): void {
    lane.destination.enqueue(lane);
  }

  #openLane(key: string, destinationKey: string): Lane {
    const destination = this.#destinations.get(destinationKey) ?? new Destination(this.#clock);
    this.#destinations.set(destinationKey, destination);
    const lane: Lane = { key, destination, entries: [], ...FRESH, dueMs: this.#clock.now() };
    this.#lanes.set(key, lane);
    return lane;
  }
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
