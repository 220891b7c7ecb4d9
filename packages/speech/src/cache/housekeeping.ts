import type { Clock } from '@taleback/resilience';
import type { CacheFolder, EntryFacts } from './cache-folder.ts';
import type { CacheTally } from './cache-status.ts';
import { EntryIndex } from './entry-index.ts';
import type { Errands } from './errands.ts';

export interface CacheLimits {
  /** Of all entries together. */
  readonly maxBytes: number;
  /** Since it was written: how long a sound stays on the disk, however often it is asked for. */
  readonly maxAgeMs: number;
  /** Default 100,000: about 20 MB of memory. */
  readonly maxEntries?: number | undefined;
}

export interface HousekeepingParts {
  readonly folder: CacheFolder;
  readonly limits: CacheLimits;
  readonly clock: Clock;
  readonly errands: Errands;
  readonly tally: CacheTally;
}

const MAX_ENTRIES = 100_000;
/** How far the knowledge of other processes' entries, and the removal of old ones, may lag behind. */
const SCAN_INTERVAL_MS = 10 * 60_000;
/** By so much of its size, times the processes that share it, a folder may be too large until the next scan. */
const SCAN_AFTER_PART_WRITTEN = 1 / 4;
/** A scan may hold so many rows too many: they are sorted once for all of these, not once for each. */
const SCAN_SURPLUS = 1.25;
/** A draft that nobody wrote to for so long has no writer any more: writing the largest takes seconds. */
const DRAFT_LIFE_MS = 60 * 60_000;
/** An entry from further ahead was written under a clock that stood wrong, and would outlive its age. */
const CLOCK_TOLERANCE_MS = 24 * 60 * 60_000;

/** Keeps a cache folder within its limits: least recently used first, and nothing that is too old. Nobody waits for it. */
export class Housekeeping {
  readonly #parts: HousekeepingParts;
  readonly #index = new EntryIndex();
  /** Entries that can still be read, and soon not any more. */
  readonly #leaving = new Set<string>();
  readonly #maxEntries: number;
  #writtenBytes = 0;
  #scanning: Promise<void> | undefined;
  #isLooking = false;
  #isTrimming = false;
  #isStopped = false;
  #cancelScan: (() => void) | undefined;

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
    this.#maxEntries = parts.limits.maxEntries ?? MAX_ENTRIES;
  }

  size(): { readonly entries: number; readonly sizeBytes: number } {
    return { entries: this.#index.count, sizeBytes: this.#index.sizeBytes };
  }

  isTooOld(writtenAtMs: number): boolean {
    const { earliestMs, latestMs } = this.#lifetime();
    return writtenAtMs < earliestMs || writtenAtMs > latestMs;
  }

  noteWritten(name: string, facts: EntryFacts): void {
    this.#index.put(name, facts);
    this.#writtenBytes += facts.sizeBytes;
    if (this.#writtenBytes > this.#parts.limits.maxBytes * SCAN_AFTER_PART_WRITTEN) {
      this.#parts.errands.leave(this.scan());
    }
    this.#trim();
  }

  noteUsed(name: string, facts: EntryFacts): void {
    // Counted again, it would push out another one.
    if (this.#leaving.has(name)) return;
    this.#index.put(name, facts);
    const touch = (): Promise<void> => this.#parts.folder.touch(name, facts);
    this.#parts.errands.leave(this.#parts.errands.attempt('the sound cache cannot note what is used', touch));
    // It may be of another process, and one too many.
    this.#trim();
  }

  noteMissing(name: string): void {
    this.#index.delete(name);
  }

  /** Removes an entry that must not be given out. */
  discard(name: string): void {
    this.#index.delete(name);
    this.#parts.errands.leave(this.#remove(name));
  }

  /** Looks through the folder now, and again from time to time. Never rejects. */
  scan(): Promise<void> {
    this.#scanning ??= this.#runScan().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelScan?.();
  }

  async #runScan(): Promise<void> {
    const { errands, clock } = this.#parts;
    this.#cancelScan?.();
    this.#isLooking = true;
    this.#writtenBytes = 0;
    await errands.attempt('the sound cache cannot be looked through', () => this.#look());
    this.#index.endScan();
    await this.#removeOld();
    this.#isLooking = false;
    this.#trim();
    if (this.#isStopped) return;
    this.#cancelScan = clock.setTimer(() => errands.leave(this.scan()), SCAN_INTERVAL_MS);
  }

  async #look(): Promise<void> {
    const nowMs = this.#parts.clock.now();
    this.#index.beginScan();
    for await (const batch of this.#parts.folder.scan(nowMs - DRAFT_LIFE_MS)) {
      if (this.#isStopped) return;
      for (const { name, sizeBytes, writtenAtMs, usedAtMs } of batch) {
        // A use in the future would keep it for ever.
        this.#index.see(name, { sizeBytes, writtenAtMs, usedAtMs: Math.min(usedAtMs, nowMs) });
      }
      if (this.#index.count > this.#maxEntries * SCAN_SURPLUS) {
        this.#index.sort();
        await this.#evictSurplus();
      }
    }
    this.#index.dropUnseen();
  }

  async #removeOld(): Promise<void> {
    const { earliestMs, latestMs } = this.#lifetime();
    for (const name of this.#index.writtenOutside(earliestMs, latestMs)) {
      this.#index.delete(name);
      this.#parts.tally.expired += 1;
      await this.#remove(name);
    }
  }

  /** A scan is about to know better what may go, and trims at its end. */
  #trim(): void {
    if (!this.#isTrimming && !this.#isLooking) this.#parts.errands.leave(this.#runTrim());
  }

  async #runTrim(): Promise<void> {
    this.#isTrimming = true;
    while (this.#index.sizeBytes > this.#parts.limits.maxBytes) {
      if (!(await this.#evictLeastRecent())) break;
    }
    await this.#evictSurplus();
    this.#isTrimming = false;
  }

  async #evictSurplus(): Promise<void> {
    while (this.#index.count > this.#maxEntries) {
      if (!(await this.#evictLeastRecent())) return;
    }
  }

  async #evictLeastRecent(): Promise<boolean> {
    const name = this.#index.leastRecent();
    if (name === undefined) return false;
    this.#index.delete(name);
    this.#parts.tally.evictions += 1;
    await this.#remove(name);
    return true;
  }

  async #remove(name: string): Promise<void> {
    const { errands, folder } = this.#parts;
    this.#leaving.add(name);
    await errands.attempt('a sound could not be removed from the cache', () => folder.remove(name));
    this.#leaving.delete(name);
  }

  #lifetime(): { readonly earliestMs: number; readonly latestMs: number } {
    const nowMs = this.#parts.clock.now();
    return { earliestMs: nowMs - this.#parts.limits.maxAgeMs, latestMs: nowMs + CLOCK_TOLERANCE_MS };
  }
}
