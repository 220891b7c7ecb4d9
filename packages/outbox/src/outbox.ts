import { errorWords } from '@taleback/core';
import { tryWithDeadline } from '@taleback/resilience';
import { importFolder } from './import-folder.node.ts';
import { type Counts, type Delivery, keptUntried, type OutboxCounts, type OutboxMessage } from './message.ts';
import { type OutboxOptions, Sender } from './sender.ts';

/** The outbox of final callbacks, as plain JSON. */
export interface OutboxStatus extends OutboxCounts {
  /** Whether this process sends; of several workers at one outbox one does. */
  readonly sending: boolean;
  /** Messages that wait; null while another process sends. */
  readonly depth: number | null;
  /** Age of the oldest, ms; null when nothing waits or another process sends. */
  readonly oldestAge: number | null;
}

export interface DeliverOptions {
  /** Ends the waiting for the first attempt, not the delivery. */
  readonly signal?: AbortSignal | undefined;
  /** Key of something held whose place the message takes. */
  readonly releases?: string;
}

/** Longest wait for the first attempt of a message, ms: a healthy receiver answers within it. */
const FIRST_TRY_MS = 5_000;
/** Longest time that a stop waits for the first attempts of what was written a moment ago, ms. */
const STOP_MS = 3_000;
const MAX_BODY_LENGTH = 8 * 2 ** 20;

/** Messages that are kept on the disk until they are accepted, refused, or too old. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #counts: Counts = { delivered: 0, refused: 0, expired: 0, setAside: 0, sentWithout: 0 };
  #sender: Sender | undefined;
  /** Taking up and giving up the role of the sender, one after the other. */
  #changing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Begins to send, what earlier processes left first, as soon as no other process does. Never rejects. */
  async open(): Promise<void> {
    try {
      this.#share();
    } catch (error) {
      this.#options.log('error', 'outbox cannot be written', { error: errorWords(error) });
    }
    await this.#changing;
  }

  /**
   * Writes a message, and waits a few seconds for the end of its first attempt; not for a receiver that does not answer.
   *
   * @throws what the disk says, RangeError for a message that is too large: then nothing was written
   */
  async deliver(message: OutboxMessage, { signal, releases }: DeliverOptions = {}): Promise<Delivery> {
    const { firstTry } = await this.put(message, releases);
    const end = await tryWithDeadline(() => firstTry, FIRST_TRY_MS, { signal, clock: this.#options.clock });
    return end.kind === 'completed' ? end.value : keptUntried('its first try takes long');
  }

  /**
   * Writes a message; when it resolves, the message survives a crash.
   *
   * @returns how the first attempt ends; it does not wait for a receiver that rests, and never rejects
   * @throws as `deliver`
   */
  async put(message: OutboxMessage, releases?: string): Promise<{ readonly firstTry: Promise<Delivery> }> {
    const { store, clock, maxBodyLength = MAX_BODY_LENGTH } = this.#options;
    const length = message.body.length + (message.substitute?.body.length ?? 0);
    if (length > maxBodyLength)
      throw new RangeError(`a message of ${length} characters is over ${maxBodyLength}`);
    this.#share();
    const id = await store.insert(message, clock.now(), releases);
    const firstTry =
      this.#sender?.firstTry(id) ?? Promise.resolve(keptUntried('this process does not send yet'));
    return { firstTry };
  }

  /** One message went out without the outbox. */
  countSentWithout(): void {
    this.#counts.sentWithout += 1;
  }

  /** Resolves when nothing waits that this process sends. */
  async drained(): Promise<void> {
    await this.#sender?.drained();
  }

  status(): OutboxStatus {
    const { depth = null, oldestAge = null } = this.#sender ?? {};
    return { ...this.#counts, sending: this.#sender !== undefined, depth, oldestAge };
  }

  /** Ends in order: awaited first attempts may end within the time, then another process may send. */
  async close(graceMs = STOP_MS): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#changing;
    await this.#sender?.stop(graceMs);
    this.#options.store.database.close();
  }

  #share(): void {
    if (this.#isClosed) return;
    this.#options.store.database.share({
      onSender: (isSender) => {
        this.#changing = this.#changing.then(() => (isSender ? this.#lead() : this.#follow()));
      },
      onChange: () => this.#sender?.scan(),
    });
  }

  async #lead(): Promise<void> {
    const { store, log } = this.#options;
    if (this.#isClosed) return;
    try {
      const { folder } = store.database;
      if (folder !== undefined) this.#counts.setAside += await importFolder(folder, store, log);
      await store.sweep();
    } catch (error) {
      log('warn', 'outbox could not be swept', { error: errorWords(error) });
    }
    this.#sender = new Sender(this.#options, this.#counts);
    this.#sender.scan();
    if (this.#sender.depth > 0) log('info', 'outbox taken up', { depth: this.#sender.depth });
  }

  async #follow(): Promise<void> {
    this.#options.log('warn', 'another process sends from this outbox');
    await this.#sender?.stop(0);
    this.#sender = undefined;
  }
}
