import type { CancelTimer, Clock, Permit } from '@taleback/resilience';
import type { Delivery } from './callbacks-index.ts';
import { describeFault } from '@taleback/core';
import { deliveryOf, keptUntried } from './delivery-of.ts';
import type { Lane } from './destination.ts';
import type { EntryName } from './entry-name.ts';
import { FolderScan } from './folder-scan.ts';
import { Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';
import { tryEntry } from './try-entry.ts';
import type { TurnEnd, TurnParts } from './turn.ts';

export interface SenderParts extends TurnParts {
  readonly clock: Clock;
  readonly tally: Tally;
  /** Told of every stamp that is seen in the folder. */
  readonly seen: (stamp: number) => void;
}

/** Requests under way at once, to all receivers together. */
const MAX_IN_FLIGHT = 64;
/** Wait after the disk would not do its part, ms. */
const STUCK_MS = 5_000;

type Settle = (delivery: Delivery) => void;

/** Sends what lies in a folder, as the only process that does. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #schedule: Schedule;
  /** Entries being written here, which a look into the folder must not take up. */
  readonly #writing = new Set<string>();
  /** Entries whose first try is awaited. */
  readonly #fresh = new Map<string, Settle>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #scan: FolderScan;
  #cancelPump: CancelTimer | undefined;
  #isStopping = false;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#schedule = new Schedule(parts.clock);
    this.#scan = new FolderScan({
      ...parts,
      isKnown: (file) => this.#writing.has(file) || this.#schedule.has(file),
      found: (names) => this.#takeUp(names),
    });
  }

  get depth(): number {
    return this.#schedule.depth;
  }

  /** Age of the oldest entry, ms. */
  get oldestAge(): number | null {
    const { oldestStamp } = this.#schedule;
    return oldestStamp === undefined ? null : Math.max(0, Math.round(this.#parts.now() - oldestStamp));
  }

  /** Takes up what an earlier process left, and begins to send. */
  async start(): Promise<void> {
    try {
      await this.#parts.files.sweep();
    } catch (error) {
      this.#parts.log('warn', 'outbox could not be swept', { error: describeFault(error) });
    }
    await this.scan();
  }

  /** An entry of this name is about to be written; `written` or `unwritten` follows. */
  writing({ file }: EntryName): void {
    this.#writing.add(file);
  }

  unwritten({ file }: EntryName): void {
    this.#writing.delete(file);
  }

  /** An entry lies in the folder. @param settle told once how its first try ended, or that it has to wait */
  written(name: EntryName, settle: Settle): void {
    this.#writing.delete(name.file);
    if (this.#isStopping) return settle(keptUntried('the worker is stopping'));
    this.#fresh.set(name.file, settle);
    this.#schedule.add(name);
    this.#pump();
    if (this.#schedule.isHeld(name.file)) this.#settle(name.file, keptUntried('its receiver is resting'));
  }

  /** Looks into the folder for entries that others have put there. */
  scan(): Promise<void> {
    return this.#scan.run();
  }

  /** Ends: first tries that are awaited may end within `graceMs`; what is left stays on the disk. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#cancelPump?.();
    const cancelGrace = this.#parts.clock.setTimer(
      () => this.#stopping.abort(new Error('the worker is stopping')),
      graceMs,
    );
    await this.#scan.close();
    this.#pump();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    cancelGrace();
    for (const file of this.#fresh.keys()) this.#settle(file, keptUntried('the worker is stopping'));
  }

  #takeUp(names: readonly EntryName[]): void {
    for (const name of names) {
      this.#parts.seen(name.stamp);
      this.#schedule.add(name);
    }
    this.#pump();
  }

  /** Begins every try that may begin now, and sets the timer for the next. */
  #pump(): void {
    this.#cancelPump?.();
    this.#cancelPump = undefined;
    if (this.#isStopping) return this.#pumpFresh();
    while (this.#underWay.size < MAX_IN_FLIGHT) {
      const turn = this.#schedule.next();
      if (turn.kind === 'idle') return;
      if (turn.kind === 'wait') {
        const delayMs = Math.max(1, turn.untilMs - this.#parts.clock.now());
        this.#cancelPump = this.#parts.clock.setTimer(() => this.#pump(), delayMs);
        return;
      }
      this.#begin(turn.lane, turn.permit);
    }
  }

  /** At the end, only what was written a moment ago is still tried. */
  #pumpFresh(): void {
    if (this.#stopping.signal.aborted) return;
    for (const file of this.#fresh.keys()) {
      const turn = this.#schedule.nextOf(file);
      if (turn.kind === 'go') this.#begin(turn.lane, turn.permit);
    }
  }

  #begin(lane: Lane, permit: Permit): void {
    const turn = this.#take(lane, permit).finally(() => {
      this.#underWay.delete(turn);
      this.#pump();
    });
    this.#underWay.add(turn);
  }

  async #take(lane: Lane, permit: Permit): Promise<void> {
    const file = lane.entries[0]?.file ?? '';
    const [end, finding] = await tryEntry(this.#parts, lane, this.#stopping.signal);
    const { destination } = lane;
    destination.ended(lane);
    // Queued before the breaker hears of it: a receiver that is found well wakes everything that is queued.
    this.#apply(lane, end);
    if (finding === 'well') destination.breaker.recordSuccess(permit);
    else if (finding === 'unwell') destination.breaker.recordFailure(permit);
    else destination.breaker.release(permit);
    this.#settle(file, deliveryOf(end, lane.attempts));
  }

  #settle(file: string, delivery: Delivery): void {
    const settle = this.#fresh.get(file);
    this.#fresh.delete(file);
    settle?.(delivery);
  }

  #apply(lane: Lane, end: TurnEnd): void {
    const { tally, log, clock } = this.#parts;
    switch (end.kind) {
      case 'delivered':
        tally.count('delivered');
        log('info', 'callback delivered', { ...end.about, attempts: lane.attempts + 1 });
        if (!end.isLeft) return this.#schedule.drop(lane);
        lane.isDelivered = true;
        return this.#putOff(lane, clock.now() + STUCK_MS);
      case 'wait':
        lane.attempts += 1;
        lane.notBeforeMs = end.notBeforeMs;
        if (end.pauseUntilMs !== undefined) lane.destination.pauseUntil(end.pauseUntilMs);
        log('warn', 'callback waits', {
          ...end.about,
          attempts: lane.attempts,
          cause: end.cause,
          retryInMs: Math.round(end.untilMs - clock.now()),
        });
        return this.#putOff(lane, end.untilMs);
      case 'given-up':
        tally.count(end.why);
        if (end.isSetAside) tally.count('setAside');
        log('error', 'callback not delivered', { ...end.about, why: end.why, ...end.delivery });
        if (end.substitute !== undefined) this.#schedule.add(end.substitute);
        return this.#schedule.drop(lane);
      case 'poison':
        tally.count('setAside');
        return this.#schedule.drop(lane);
      case 'gone':
        return this.#schedule.drop(lane);
      case 'interrupted':
        return this.#schedule.requeue(lane);
      case 'stuck':
        return this.#putOff(lane, clock.now() + STUCK_MS);
      default:
        end satisfies never;
    }
  }

  #putOff(lane: Lane, dueMs: number): void {
    lane.dueMs = dueMs;
    this.#schedule.requeue(lane);
  }
}
