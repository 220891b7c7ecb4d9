import { createHash } from 'node:crypto';
import { errorWords, type Log } from '@taleback/core';
import { type Clock, tryWithDeadline } from '@taleback/resilience';
import type { CacheKey, CacheKind } from './cache-key.ts';
import { type CacheDisk, isBusy, REAL_DISK, type SoundEntry, SoundStore } from './sound-store.node.ts';

/** A sound and what has to be known about it. Facts are never words that a person wrote. */
export interface KeptSound {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface CacheLimits {
  /** Of all sounds together. */
  readonly maxBytes: number;
  /** Since it was written: how long a sound stays on the disk, however often it is used. */
  readonly maxAgeMs: number;
  /** Default 100,000. */
  readonly maxEntries?: number | undefined;
}

/** What a cache holds, and what became of requests since the process began. */
export interface CacheStatus {
  readonly entries: number;
  readonly sizeBytes: number;
  readonly maxBytes: number;
  readonly hits: Readonly<Record<CacheKind, number>>;
  readonly misses: Readonly<Record<CacheKind, number>>;
  /** Entries that gave way to newer ones. */
  readonly evictions: number;
  /** Entries removed because of their age. */
  readonly expired: number;
  /** Entries removed because they were torn or altered. */
  readonly broken: number;
  /** Sounds that could not be kept. */
  readonly unkept: number;
}

export interface SoundCacheOptions {
  readonly folder: string;
  readonly limits: CacheLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: the real one. */
  readonly disk?: CacheDisk | undefined;
}

const MAX_ENTRIES = 100_000;
/** Sounds that a hanging disk may hold in memory. */
const MAX_WRITING_BYTES = 64 * 2 ** 20;
/** How far the removal of old entries, and of files without an entry, may lag behind. */
const CLEAN_INTERVAL_MS = 10 * 60_000;
/** A file without an entry has no writer any more by then: writing the largest takes seconds. */
const STRAY_LIFE_MS = 60 * 60_000;
/** An entry from further ahead was written under a clock that stood wrong, and would outlive its age. */
const CLOCK_TOLERANCE_MS = 24 * 60 * 60_000;
/** A disk that has not answered by then (a network share that hangs) counts as none. Speaking a chunk takes less. */
const DISK_TIMEOUT_MS = 2_000;
/** A full disk fails every write: one line a minute says so as well as a thousand. */
const WARNING_INTERVAL_MS = 60_000;

/** Like words, an id is not kept in the folder. '' is anyone. */
const ownerName = (owner: string | undefined): string =>
  owner === undefined ? '' : createHash('sha256').update(owner).digest('base64url');

const INDEX_FAULT = 'the index of the sound cache cannot be used';

/**
 * Sounds that were made before, in a folder that several processes may share. It holds what people wrote only as sound and
 * as hashes, never as words.
 *
 * Nothing here fails a request, nor holds it up for more than two seconds: what cannot be read is missing, what cannot be
 * written is not kept, and a warning says so once a minute. A sound that is torn, altered or too old is never returned.
 *
 * @see docs/origins.md#reuse-and-adaptation
 */
export class SoundCache {
  readonly #options: SoundCacheOptions;
  readonly #store: SoundStore;
  readonly #counts = { evictions: 0, expired: 0, broken: 0, unkept: 0 };
  readonly #hits: Record<CacheKind, number> = { chunk: 0, narration: 0 };
  readonly #misses: Record<CacheKind, number> = { chunk: 0, narration: 0 };
  readonly #background = new Set<Promise<unknown>>();
  readonly #warnings = new Map<string, { readonly atMs: number; leftOut: number }>();
  #totals = { entries: 0, sizeBytes: 0 };
  #writingBytes = 0;
  #isTrimming = false;
  #isClosed = false;
  #cancelClean: () => void = () => {};

  constructor(options: SoundCacheOptions) {
    this.#options = options;
    this.#store = new SoundStore(options.folder, options.disk ?? REAL_DISK);
  }

  /** Cleans the folder now and from time to time. `find` and `keep` work before it settles, too. */
  async open(): Promise<void> {
    await this.#withTimeout(this.#inBackground(this.#clean()), undefined);
  }

  /**
   * The sound of this key, in memory that is the caller's.
   * @param read converts it to what the caller needs; undefined means that it is of no use, and it is removed
   */
  async find<Value>(
    key: CacheKey,
    read: (sound: KeptSound) => Value | undefined,
  ): Promise<Value | undefined> {
    const reading = this.#attempt('a sound could not be read from the cache', () => this.#read(key, read));
    const value = await this.#withTimeout(reading, undefined);
    (value === undefined ? this.#misses : this.#hits)[key.kind] += 1;
    return value;
  }

  /**
   * Keeps a sound. When it settles with true, the sound is there for every process, also after this one is killed, or it
   * could not be kept.
   *
   * @returns whether it is done with the bytes; if not (the disk is slow), they must not be moved or changed
   */
  async keep({ name, owner }: CacheKey, { facts, bytes }: KeptSound): Promise<boolean> {
    const { length } = bytes;
    const isTooMuch = this.#writingBytes > 0 && this.#writingBytes + length > MAX_WRITING_BYTES;
    if (isTooMuch || length > this.#options.limits.maxBytes || this.#isClosed) {
      this.#counts.unkept += 1;
      return true;
    }
    this.#writingBytes += length;
    const write = async (): Promise<true> => {
      const entry = { key: name, facts: JSON.stringify(facts), owner: ownerName(owner) };
      await this.#store.write(entry, bytes, this.#now());
      if (!this.#isTrimming) void this.#inBackground(this.#trim());
      return true;
    };
    const writing = this.#attempt('a sound could not be kept in the cache', write).then((isKept) => {
      this.#writingBytes -= length;
      if (isKept !== true) this.#counts.unkept += 1;
      return true;
    });
    return this.#withTimeout(this.#inBackground(writing), false);
  }

  /** Notes who has used a sound that another request found or made. */
  async noteUse({ name, owner }: CacheKey): Promise<void> {
    await this.#attempt(INDEX_FAULT, () => this.#store.noteUse(name, ownerName(owner), this.#now()));
  }

  /** Removes the sounds that only this owner has used. A file that stays is removed within an hour. @throws what SQLite says */
  async removeOf(owner: string): Promise<void> {
    for (const file of this.#store.removeOf(ownerName(owner))) await this.#removeFile(file);
  }

  status(): CacheStatus {
    if (!this.#isClosed) this.#readTotals();
    const { maxBytes } = this.#options.limits;
    const requests = { hits: { ...this.#hits }, misses: { ...this.#misses } };
    return { ...this.#totals, maxBytes, ...requests, ...this.#counts };
  }

  /** Settles when no work is left in the background. */
  async idle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Finishes the work in the background, unless the disk hangs. Nothing is found or kept after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelClean();
    await this.#withTimeout(this.idle(), undefined);
    this.#readTotals();
    this.#store.close();
  }

  async #read<Value>(
    key: CacheKey,
    read: (sound: KeptSound) => Value | undefined,
  ): Promise<Value | undefined> {
    const { name } = key;
    const entry = this.#isClosed ? undefined : this.#store.find(name);
    if (entry === undefined) return undefined;
    const [earliestMs, latestMs] = this.#lifetime();
    if (entry.writtenAtMs < earliestMs || entry.writtenAtMs > latestMs) {
      this.#counts.expired += 1;
      return this.#drop(entry);
    }
    const bytes = await this.#store.read(entry);
    if (bytes === 'missing') return this.#drop(entry, false);
    const value = bytes === 'altered' ? undefined : read({ facts: JSON.parse(entry.facts), bytes });
    if (value === undefined) {
      this.#counts.broken += 1;
      const fault = bytes === 'altered' ? 'altered' : 'facts of no use';
      this.#warn('a broken sound was removed from the cache', { name, fault });
      return this.#drop(entry);
    }
    await this.noteUse(key);
    return value;
  }

  /** Removes an entry that must not be returned. Where one has lost its file, another may be written at any moment. */
  async #drop({ file }: SoundEntry, hasFile = true): Promise<undefined> {
    await this.#attempt(INDEX_FAULT, () => this.#store.removeEntry(file));
    if (hasFile) void this.#inBackground(this.#removeFile(file));
  }

  /** Removes what was used least recently until the rest is within the limits. */
  async #trim(): Promise<void> {
    const { maxBytes, maxEntries = MAX_ENTRIES } = this.#options.limits;
    this.#isTrimming = true;
    await this.#attempt(INDEX_FAULT, async () => {
      for (;;) {
        const { entries, sizeBytes } = this.#store.totals();
        if (entries <= maxEntries && sizeBytes <= maxBytes) return;
        const file = this.#store.removeLeastRecent();
        if (file === undefined) return;
        this.#counts.evictions += 1;
        await this.#removeFile(file);
      }
    });
    this.#isTrimming = false;
  }

  /** Removes what is too old, entries without a file, and files without an entry, also those of earlier versions. */
  async #clean(): Promise<void> {
    await this.#attempt('the sound cache cannot be cleaned', async () => {
      const expired = this.#store.removeOutside(...this.#lifetime());
      this.#counts.expired += expired.length;
      for (const file of expired) await this.#removeFile(file);
      for (const shelf of await this.#store.shelves()) {
        if (this.#isClosed) return;
        for (const file of await this.#store.removeLostEntries(shelf)) {
          if (await this.#store.isOlder(file, this.#now() - STRAY_LIFE_MS)) await this.#removeFile(file);
        }
      }
    });
    await this.#trim();
    if (this.#isClosed) return;
    const clean = (): void => void this.#inBackground(this.#clean());
    this.#cancelClean = this.#options.clock.setTimer(clean, CLEAN_INTERVAL_MS);
  }

  async #removeFile(file: string): Promise<void> {
    const message = 'a sound could not be removed from the cache';
    await this.#attempt(message, () => this.#store.removeFile(file));
  }

  /** A failure is logged where it changes what is found or kept; the last known totals stay. */
  #readTotals(): void {
    try {
      this.#totals = this.#store.totals();
    } catch {}
  }

  #now(): number {
    return Math.floor(this.#options.clock.now());
  }

  /** When an entry may have been written. */
  #lifetime(): readonly [earliestMs: number, latestMs: number] {
    return [this.#now() - this.#options.limits.maxAgeMs, this.#now() + CLOCK_TOLERANCE_MS];
  }

  /** The result of the work, or undefined and a warning when it failed. Never rejects. */
  async #attempt<Value>(message: string, work: () => Promise<Value> | Value): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      // A busy index is another process at work: the next use will succeed.
      if (!isBusy(error)) this.#warn(message, { error: errorWords(error) });
      return undefined;
    }
  }

  /** @param work must not reject */
  #inBackground<Value>(work: Promise<Value>): Promise<Value> {
    this.#background.add(work);
    void work.finally(() => this.#background.delete(work));
    return work;
  }

  /** The result of the work, or `late` after two seconds; the work goes on then. */
  async #withTimeout<Value, Late>(work: Promise<Value>, late: Late): Promise<Value | Late> {
    const { clock } = this.#options;
    const outcome = await tryWithDeadline(() => work, DISK_TIMEOUT_MS, { clock });
    if (outcome.kind === 'completed') return outcome.value;
    this.#warn('the disk of the sound cache is slow', {});
    return late;
  }

  /** Logs each message once a minute at most, with how often it was left out before. */
  #warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = this.#options.clock.now();
    const before = this.#warnings.get(message);
    if (before !== undefined && nowMs - before.atMs < WARNING_INTERVAL_MS) {
      before.leftOut += 1;
      return;
    }
    this.#warnings.set(message, { atMs: nowMs, leftOut: 0 });
    this.#options.log('warn', message, { ...fields, leftOut: before?.leftOut ?? 0 });
  }
}
