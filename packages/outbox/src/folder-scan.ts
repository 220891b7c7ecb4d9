import type { CancelTimer, Clock } from '@taleback/resilience';
import { describeFault, type Log } from '@taleback/core';
import { byStamp, type EntryName, parseEntryName } from './entry-name.ts';
import type { OutboxFiles } from './outbox-files.ts';
import type { Tally } from './tally.ts';

export interface FolderScanParts {
  readonly files: OutboxFiles;
  readonly clock: Clock;
  readonly log: Log;
  readonly tally: Tally;
  /** Whether a file needs no taking up. */
  readonly isKnown: (file: string) => boolean;
  /** Told of entries that are not known, oldest first. */
  readonly found: (names: readonly EntryName[]) => void;
}

/** How often the folder is looked through for what nobody told of, ms. */
const RESCAN_MS = 30_000;

/** Looks into the outbox's folder: when asked, and now and then by itself. One look at a time. */
export class FolderScan {
  readonly #parts: FolderScanParts;
  #looking: Promise<void> | undefined;
  #cancelNext: CancelTimer | undefined;
  #isWanted = false;
  #isClosed = false;

  constructor(parts: FolderScanParts) {
    this.#parts = parts;
  }

  /** Resolves after a look that began no earlier than this call. Never rejects. */
  async run(): Promise<void> {
    this.#isWanted = true;
    while (this.#isWanted && !this.#isClosed) {
      if (this.#looking !== undefined) {
        await this.#looking;
        continue;
      }
      this.#isWanted = false;
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
      });
    }
    await this.#looking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelNext?.();
    await this.#looking;
  }

  async #look(): Promise<void> {
    this.#cancelNext?.();
    try {
      await this.#takeUp(await this.#parts.files.list());
    } catch (error) {
      this.#parts.log('error', 'outbox cannot be read', { error: describeFault(error) });
    }
    if (!this.#isClosed) this.#cancelNext = this.#parts.clock.setTimer(() => void this.run(), RESCAN_MS);
  }

  async #takeUp(files: readonly string[]): Promise<void> {
    const names: EntryName[] = [];
    for (const file of files) {
      if (this.#parts.isKnown(file)) continue;
      const name = parseEntryName(file);
      if (name === undefined) await this.#setStrangerAside(file);
      else names.push(name);
    }
    this.#parts.found(names.sort(byStamp));
  }

  async #setStrangerAside(file: string): Promise<void> {
    const { files, log, tally } = this.#parts;
    const reason = 'its name is not that of an entry';
    try {
      await files.setAside(file, reason);
      tally.count('setAside');
      log('error', 'outbox entry set aside', { file, reason });
    } catch (error) {
      log('error', 'outbox is stuck', { file, error: describeFault(error) });
    }
  }
}
