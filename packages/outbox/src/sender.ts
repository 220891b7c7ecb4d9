import { errorWords, type Log, withoutTokens } from '@taleback/core';
import type { CancelTimer, Clock, Permit, Random } from '@taleback/resilience';
import { decideNext, mayBeMistaken, type OutboxPolicy } from './decide-next.ts';
import type { DeadLetter } from './entry-file.ts';
import {
  type Counts,
  causeOf,
  type Delivery,
  describeFailure,
  type FailedDelivery,
  keptUntried,
  nounOf,
  type OutboxMessage,
  type Sendable,
  type Substitute,
  type TryOutcome,
} from './message.ts';
import { type EntryName, type Lane, Schedule } from './schedule.ts';
import type { OutboxStore } from './store.node.ts';

export interface OutboxOptions {
  readonly store: OutboxStore;
  /** One attempt; it never rejects. */
  readonly send: (
    message: Sendable & Pick<OutboxMessage, 'lane'>,
    signal: AbortSignal,
  ) => Promise<TryOutcome>;
  readonly policy: OutboxPolicy;
  /** What takes the place of a message that failed for good. Default: its own substitute. */
  readonly substituteFor?: (message: OutboxMessage, failure: FailedDelivery) => Substitute | undefined;
  /** Keeps a message that was given up, where people find it. Default, and where it rejects: `set-aside/`. */
  readonly keepDeadLetter?: (letter: DeadLetter) => Promise<void>;
  /** Larger messages are refused, characters. Default 8 Mi: more is no callback. */
  readonly maxBodyLength?: number;
  /** What the log calls a message. Default `callback`. */
  readonly noun?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How an attempt ended: for its caller, for its receiver, and for its lane. */
interface TryEnd {
  readonly delivery: Delivery;
  /** Whether the receiver is well; absent when the attempt shows nothing of it. */
  readonly isWell?: boolean | undefined;
  /** What becomes of the lane's first entry: it is gone, is tried again, or has another in its place. */
  readonly becomes: 'gone' | { readonly dueMs: number } | EntryName;
}

/** Requests under way at once, to all receivers together. */
const MAX_IN_FLIGHT = 64;
/** Wait after the disk failed, ms. */
const STUCK_MS = 5_000;
/** Wait after the store could not be read, ms. */
const RESCAN_MS = 30_000;

const STOPPING = 'the worker is stopping';
const GONE: TryEnd = { delivery: keptUntried('gone'), becomes: 'gone' };

/** Sends what lies in a store, as the only process that does. */
export class Sender {
  readonly #options: OutboxOptions;
  readonly #counts: Counts;
  readonly #noun: string;
  readonly #schedule: Schedule;
  /** Entries whose first attempt is waited for. */
  readonly #fresh = new Map<number, (delivery: Delivery) => void>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #empty = new Set<() => void>();
  #scannedId = 0;
  #cancelPump: CancelTimer | undefined;
  #cancelRescan: CancelTimer | undefined;
  #isStopping = false;

  constructor(options: OutboxOptions, counts: Counts) {
    this.#options = options;
    this.#counts = counts;
    this.#noun = options.noun ?? 'callback';
    this.#schedule = new Schedule(options.clock);
  }

  get depth(): number {
    return this.#schedule.depth;
  }

  get oldestAge(): number | null {
    const ageMs = this.#options.clock.now() - this.#schedule.oldestStamp;
    return Number.isFinite(ageMs) ? Math.max(0, Math.round(ageMs)) : null;
  }

  /** Takes up what was written since the last look, by any process. */
  scan(): void {
    this.#cancelRescan?.();
    if (this.#isStopping) return;
    try {
      for (const name of this.#options.store.names(this.#scannedId)) {
        this.#schedule.add(name);
        this.#scannedId = name.id;
      }
    } catch (error) {
      this.#options.log('error', 'outbox cannot be read', { error: errorWords(error) });
      this.#cancelRescan = this.#options.clock.setTimer(() => this.scan(), RESCAN_MS);
    }
    this.#pump();
  }

  /** How the first attempt of an entry ends that was just written, or that it has to wait. Never rejects. */
  firstTry(id: number): Promise<Delivery> {
    this.scan();
    if (this.#isStopping) return Promise.resolve(keptUntried(STOPPING));
    if (!this.#schedule.has(id)) return Promise.resolve(keptUntried('it is taken up later'));
    if (this.#schedule.isHeld(id)) return Promise.resolve(keptUntried('its receiver is resting'));
    return new Promise((resolve) => this.#fresh.set(id, resolve));
  }

  /** Resolves when nothing waits, or the sender stops. */
  drained(): Promise<void> {
    if (this.depth === 0 || this.#isStopping) return Promise.resolve();
    return new Promise((resolve) => this.#empty.add(resolve));
  }

  /** Ends: first attempts that are waited for may end within `graceMs`; what is left stays on the disk. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#cancelPump?.();
    this.#cancelRescan?.();
    const end = (): void => this.#stopping.abort(new Error(STOPPING));
    const cancelGrace = this.#options.clock.setTimer(end, graceMs);
    this.#pump();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    cancelGrace();
    for (const id of this.#fresh.keys()) this.#settle(id, keptUntried(STOPPING));
    for (const resolve of this.#empty) resolve();
  }

  /** Begins every attempt that may begin now, and sets the timer for the next. */
  #pump(): void {
    this.#cancelPump?.();
    if (this.#isStopping) return this.#pumpFresh();
    while (this.#underWay.size < MAX_IN_FLIGHT) {
      const admission = this.#schedule.next();
      if (admission.kind === 'idle') return;
      if (admission.kind === 'wait') {
        const delayMs = Math.max(1, admission.untilMs - this.#options.clock.now());
        this.#cancelPump = this.#options.clock.setTimer(() => this.#pump(), delayMs);
        return;
      }
      this.#begin(admission.lane, admission.permit);
    }
  }

  /** At the end, only what was written a moment ago is still tried. */
  #pumpFresh(): void {
    if (this.#stopping.signal.aborted) return;
    for (const id of this.#fresh.keys()) {
      const admission = this.#schedule.nextOf(id);
      if (admission.kind === 'go') this.#begin(admission.lane, admission.permit);
    }
  }

  #begin(lane: Lane, permit: Permit): void {
    const attempt = this.#try(lane, permit).finally(() => {
      this.#underWay.delete(attempt);
      this.#pump();
      if (this.depth === 0) for (const resolve of this.#empty) resolve();
    });
    this.#underWay.add(attempt);
  }

  /** Never rejects. */
  async #try(lane: Lane, permit: Permit): Promise<void> {
    const [name] = lane.entries;
    const { destination } = lane;
    const { delivery, isWell, becomes } = name === undefined ? GONE : await this.#tryEntry(lane, name);
    destination.ended(lane);
    // Queued before the breaker learns of it: a receiver that is found well makes everything due that is queued.
    if (becomes === 'gone') this.#schedule.drop(lane);
    else if ('id' in becomes) this.#schedule.drop(lane, becomes);
    else this.#schedule.requeue(lane, becomes.dueMs);
    if (isWell === true) destination.breaker.recordSuccess(permit);
    else if (isWell === false) destination.breaker.recordFailure(permit);
    else destination.breaker.release(permit);
    if (name !== undefined) this.#settle(name.id, delivery);
  }

  /** Reads, sends, and does on the disk what follows. A crash between two steps has all of them done again. */
  async #tryEntry(lane: Lane, name: EntryName): Promise<TryEnd> {
    const { store, log } = this.#options;
    const { id } = name;
    try {
      if (lane.isDelivered) {
        await store.remove(id);
        return GONE;
      }
      const content = await store.read(id);
      if (content === undefined) return GONE;
      if (content.ok) return await this.#send(lane, name, content.message);
      const { reason: cause } = content;
      await store.copyAside(id, cause);
      await store.remove(id);
      this.#counts.setAside += 1;
      log('error', 'outbox entry set aside', { id, reason: cause });
      return { delivery: { kind: 'undeliverable', attempts: 0, cause }, becomes: 'gone' };
    } catch (error) {
      log('error', 'outbox is stuck', { id, error: errorWords(error) });
      return { delivery: keptUntried(errorWords(error)), becomes: this.#later() };
    }
  }

  async #send(lane: Lane, name: EntryName, message: OutboxMessage): Promise<TryEnd> {
    const { send, policy, clock, random, log } = this.#options;
    const { url, messageId, body } = message;
    lane.firstTriedMs ??= clock.now();
    const sendable = { url, messageId, body: Buffer.from(body), lane: message.lane };
    const outcome = await send(sendable, this.#stopping.signal);
    if (this.#stopping.signal.aborted && outcome.kind === 'unanswered')
      return { delivery: keptUntried('interrupted'), becomes: { dueMs: lane.dueMs } };
    const nowMs = clock.now();
    lane.unauthorizedSinceMs = mayBeMistaken(outcome) ? (lane.unauthorizedSinceMs ?? nowMs) : undefined;
    lane.attempts += 1;
    const { attempts, unauthorizedSinceMs } = lane;
    const about = { url: withoutTokens(url), messageId };
    const noun = nounOf(url, this.#noun);
    if (outcome.kind === 'accepted') {
      this.#counts.delivered += 1;
      log('info', `${noun} sent`, { ...about, attempts });
      const becomes = await this.#removeDelivered(lane, name);
      return { delivery: { kind: 'delivered', attempts }, isWell: true, becomes };
    }
    const sinceMs = Math.min(name.stamp, lane.firstTriedMs);
    const next = decideNext(outcome, { attempts, sinceMs, unauthorizedSinceMs, nowMs }, policy, random);
    if (next.kind === 'wait') {
      const { untilMs, notBeforeMs, pauseUntilMs } = next;
      const cause = causeOf(outcome);
      lane.notBeforeMs = notBeforeMs;
      if (pauseUntilMs !== undefined) lane.destination.pauseUntil(pauseUntilMs);
      const retryInMs = Math.round(untilMs - nowMs);
      log('warn', `${noun} retried later`, { ...about, attempts, cause, retryInMs });
      return { delivery: { kind: 'kept', attempts, cause }, isWell: false, becomes: { dueMs: untilMs } };
    }
    const { why, delivery } = next;
    const letter = { message, createdMs: name.stamp, why, delivery, attempts, atMs: nowMs };
    const becomes = await this.#giveUp(name, letter);
    this.#counts[why] += 1;
    log('error', `${noun} failed`, { ...about, why, ...delivery });
    return { delivery, becomes, isWell: outcome.kind === 'address-refused' ? undefined : why === 'refused' };
  }

  /** It was accepted: a row that cannot be removed is no reason to send it again. */
  async #removeDelivered(lane: Lane, { id }: EntryName): Promise<TryEnd['becomes']> {
    try {
      await this.#options.store.remove(id);
      return 'gone';
    } catch (error) {
      lane.isDelivered = true;
      const about = { id, error: errorWords(error) };
      this.#options.log('error', `delivered ${this.#noun} could not be removed`, about);
      return this.#later();
    }
  }

  /** Keeps the message for people first, then removes it or puts its substitute in its place. */
  async #giveUp(name: EntryName, letter: DeadLetter): Promise<TryEnd['becomes']> {
    const { store, keepDeadLetter, substituteFor, log } = this.#options;
    const { message, why, delivery } = letter;
    let reason = keepDeadLetter === undefined ? describeFailure(delivery) : undefined;
    try {
      await keepDeadLetter?.(letter);
    } catch (error) {
      const about = { url: withoutTokens(message.url), messageId: message.messageId };
      log('error', `failed ${this.#noun} could not be kept`, { ...about, error: errorWords(error) });
      reason = `${why}, and the store would not take it: ${errorWords(error)}`;
    }
    if (reason !== undefined) {
      await store.copyAside(name.id, reason);
      this.#counts.setAside += 1;
    }
    const substitute = substituteFor === undefined ? message.substitute : substituteFor(message, delivery);
    if (substitute !== undefined) return store.replace(name, substitute);
    await store.remove(name.id);
    return 'gone';
  }

  #later(): { readonly dueMs: number } {
    return { dueMs: this.#options.clock.now() + STUCK_MS };
  }

  #settle(id: number, delivery: Delivery): void {
    this.#fresh.get(id)?.(delivery);
    this.#fresh.delete(id);
  }
}
