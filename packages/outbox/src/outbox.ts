import type { Clock } from '@taleback/resilience';
import type { CallbackMessage, Delivery } from './callbacks-index.ts';
import { describeFault } from '@taleback/core';
import type { OutboxStatus } from './outbox-status.ts';
import { keptUntried } from './delivery-of.ts';
import { nameEntry, parseEntryName } from './entry-name.ts';
import { formatEntry } from './outbox-entry.ts';
import { Sender } from './sender.ts';
import type { SenderLock } from './sender-lock.ts';
import { createStamps } from './stamps.ts';
import { Tally } from './tally.ts';
import type { TurnParts } from './turn.ts';

export interface OutboxOptions extends Omit<TurnParts, 'now'> {
  readonly clock: Clock;
  readonly lock: SenderLock;
  /** 12 hex digits that nobody else makes. */
  readonly newId: () => string;
}

/** Longest time that a stop waits for the first tries of what was written a moment ago, ms. */
const STOP_MS = 3_000;

const UNKNOWN = { depth: null, oldestAge: null };

/** Messages kept on the disk until they are accepted, refused, or too old. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #parts: TurnParts;
  readonly #tally = new Tally();
  readonly #stamps: ReturnType<typeof createStamps>;
  #sender: Sender | undefined;
  #preparing: Promise<void> | undefined;
  #sending: Promise<void> = Promise.resolve();
  /** What earlier processes left is known, so that nothing overtakes it. */
  #isTakenUp = false;
  /** All that lies in the folder is known. */
  #isSending = false;
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const now = (): number => options.clock.now();
    this.#parts = { ...options, now };
    this.#stamps = createStamps(now);
  }

  /** Begins to send, what earlier processes left first, as soon as no other process does. Never rejects. */
  async open(): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      this.#options.log('error', 'outbox cannot be written', { error: describeFault(error) });
    }
  }

  /**
   * Writes a message; when it resolves, the message survives a crash.
   *
   * @returns how the first try ends; it does not wait for a receiver that rests, and never rejects
   * @throws what the disk says, RangeError for a message that is too large, TypeError for one that is no JSON
   */
  async put(message: CallbackMessage): Promise<{ readonly firstTry: Promise<Delivery> }> {
    await this.#prepare();
    const { clock, files, lock, newId } = this.#options;
    const name = nameEntry(message, this.#stamps.take(), newId());
    const bytes = formatEntry({ message, createdMs: clock.now() });
    const announcedTo = this.#sender;
    announcedTo?.writing(name);
    try {
      await files.write(name.file, bytes);
    } catch (error) {
      announcedTo?.unwritten(name);
      throw error;
    }
    const sender = this.#sender;
    if (sender === undefined || !this.#isTakenUp) {
      announcedTo?.unwritten(name);
      if (sender === undefined) lock.nudge();
      else void sender.scan();
      return { firstTry: Promise.resolve(keptUntried('this process does not send yet')) };
    }
    return { firstTry: new Promise((resolve) => sender.written(name, resolve)) };
  }

  /** One message went out without the outbox. */
  countSentWithout(): void {
    this.#tally.count('sentWithout');
  }

  status(): OutboxStatus {
    const { depth, oldestAge } = (this.#isSending && this.#sender) || UNKNOWN;
    return { ...this.#tally.counts, sending: this.#isSending, depth, oldestAge };
  }

  /** Ends in order: awaited first tries may end within a few seconds, then another process may send. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#sender?.stop(STOP_MS);
    await this.#options.lock.close();
    await this.#sending;
  }

  /** Makes the folder, and goes after the lock once there is one. A folder that cannot be made is tried again later. */
  #prepare(): Promise<void> {
    this.#preparing ??= this.#prepareOnce().catch((error: unknown) => {
      this.#preparing = undefined;
      throw error;
    });
    return this.#preparing;
  }

  async #prepareOnce(): Promise<void> {
    const { files } = this.#options;
    await files.prepare();
    for (const file of await files.list()) this.#stamps.raise(parseEntryName(file)?.stamp ?? 0);
    this.#sending = this.#send();
  }

  async #send(): Promise<void> {
    const { lock, log, clock } = this.#options;
    if (this.#isClosed) return;
    const isOurs = await lock.acquire(() => void this.#sender?.scan());
    if (!isOurs || this.#isClosed) return;
    const sender = new Sender({
      ...this.#parts,
      clock,
      tally: this.#tally,
      seen: (stamp) => this.#stamps.raise(stamp),
    });
    this.#sender = sender;
    await sender.start();
    this.#isTakenUp = true;
    // What was written here meanwhile was left to this look.
    await sender.scan();
    this.#isSending = true;
    if (sender.depth > 0) log('info', 'outbox taken up', { depth: sender.depth });
  }
}
