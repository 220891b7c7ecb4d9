import { join, resolve } from 'node:path';
import { errorWords, type Log } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { CacheKey, CacheKind, CacheLimits, KeptSound } from './cache-key.ts';
import { DiskWork } from './disk-work.ts';
import {
  type CacheDisk,
  REAL_DISK,
  SoundFolder,
  type IndexEntry,
  isBusy,
  isDamaged,
  SoundIndex,
} from './sound-store.node.ts';

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

/**
 * Sounds that were made before, in a folder that several processes may share: an index, and each sound in a file that is
 * named by its hash. It holds what people wrote only as sound and as hashes, never as words.
 *
 * Nothing here fails a request: what cannot be read is missing, what cannot be written is not kept, and a warning says
 * so once a minute. A sound that is torn, altered or too old is never returned.
 *
 * @see docs/origins.md#reuse-and-adaptation
 */
export class SoundCache {
  readonly #options: SoundCacheOptions;
  readonly #folder: SoundFolder;
  readonly #openIndex: () => SoundIndex;
  readonly #counts = { evictions: 0, expired: 0, broken: 0, unkept: 0 };
  readonly #hits: Record<CacheKind, number> = { chunk: 0, narration: 0 };
  readonly #misses: Record<CacheKind, number> = { chunk: 0, narration: 0 };
  readonly #work: DiskWork;
  #index: SoundIndex | undefined;
  #totals = { entries: 0, sizeBytes: 0 };
  #writingBytes = 0;
  #isTrimming = false;
  #isClosed = false;
  #cancelClean: () => void = () => {};

  constructor(options: SoundCacheOptions) {
    this.#options = options;
    const { folder, disk = REAL_DISK, clock, log } = options;
    const root = resolve(folder);
    this.#folder = new SoundFolder(root, disk);
    this.#work = new DiskWork(log, clock);
    this.#openIndex = () => new SoundIndex(join(root, 'index.db'), disk.openDatabase);
  }

  /** Cleans the folder now and from time to time. `find` and `keep` work before it settles, too. */
  async open(): Promise<void> {
    await this.#work.withTimeout(this.#work.inBackground(this.#clean()), undefined);
  }

  /**
   * The sound of this key, in memory that is the caller's.
   * @param read converts it to what the caller needs; undefined means that it is of no use, and it is removed
   */
  async find<Value>(
    { name, kind }: CacheKey,
    read: (sound: KeptSound) => Value | undefined,
  ): Promise<Value | undefined> {
    const reading = this.#work.attempt('a sound could not be read from the cache', () =>
      this.#read(name, read),
    );
    const value = await this.#work.withTimeout(reading, undefined);
    (value === undefined ? this.#misses : this.#hits)[kind] += 1;
    return value;
  }

  /**
   * Keeps a sound. When it settles with true, the sound is there for every process, also after this one is killed, or it
   * could not be kept.
   *
   * @returns whether it is done with the bytes; if not (the disk is slow), they must not be moved or changed
   */
  async keep({ name }: CacheKey, sound: KeptSound): Promise<boolean> {
    const { length } = sound.bytes;
    const isTooMuch = this.#writingBytes > 0 && this.#writingBytes + length > MAX_WRITING_BYTES;
    if (isTooMuch || length > this.#options.limits.maxBytes || this.#isClosed) {
      this.#counts.unkept += 1;
      return true;
    }
    this.#writingBytes += length;
    const writing = this.#work.attempt('a sound could not be kept in the cache', () =>
      this.#write(name, sound),
    );
    const written = writing.then((isKept) => {
      this.#writingBytes -= length;
      if (isKept !== true) this.#counts.unkept += 1;
      return true;
    });
    return this.#work.withTimeout(this.#work.inBackground(written), false);
  }

  status(): CacheStatus {
    if (this.#index !== undefined) {
      this.#totals = this.#tryIndex((index) => index.totals()) ?? this.#totals;
    }
    const { maxBytes } = this.#options.limits;
    return {
      ...this.#totals,
      maxBytes,
      hits: { ...this.#hits },
      misses: { ...this.#misses },
      ...this.#counts,
    };
  }

  /** Settles when no work is left in the background. */
  idle(): Promise<void> {
    return this.#work.idle();
  }

  /** Finishes the work in the background, unless the disk hangs. Nothing is found or kept after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelClean();
    await this.#work.withTimeout(this.idle(), undefined);
    // Reads the totals for the last time.
    this.status();
    this.#closeIndex();
  }

  async #read<Value>(
    name: string,
    read: (sound: KeptSound) => Value | undefined,
  ): Promise<Value | undefined> {
    const entry = this.#isClosed ? undefined : this.#useIndex((index) => index.find(name));
    if (entry === undefined) return undefined;
    const [earliestMs, latestMs] = this.#lifetime();
    if (entry.writtenAtMs < earliestMs || entry.writtenAtMs > latestMs) {
      this.#counts.expired += 1;
      return this.#drop(entry);
    }
    const bytes = await this.#folder.read(entry);
    if (bytes === 'missing') return this.#drop(entry);
    const toSound = (own: KeptSound['bytes']): KeptSound => ({ facts: JSON.parse(entry.facts), bytes: own });
    const value = bytes === 'altered' ? undefined : read(toSound(bytes));
    if (value === undefined) {
      this.#counts.broken += 1;
      const fault = bytes === 'altered' ? 'altered' : 'facts of no use';
      this.#work.warn('a broken sound was removed from the cache', { name, fault });
      return this.#drop(entry);
    }
    this.#tryIndex((index) => index.noteUse(name, this.#now()));
    return value;
  }

  async #write(key: string, sound: KeptSound): Promise<boolean> {
    const { bytes } = sound;
    const facts = JSON.stringify(sound.facts);
    const file = await this.#folder.write({ key, facts, bytes });
    const entry = { key, file, facts, sizeBytes: bytes.length, writtenAtMs: this.#now() };
    try {
      this.#useIndex((index) => index.put(entry));
    } catch (error) {
      await this.#removeFile(file);
      if (isBusy(error)) return false;
      throw error;
    }
    if (!this.#isTrimming) void this.#work.inBackground(this.#trim());
    return true;
  }

  /** Removes an entry that must not be returned. */
  #drop({ file }: IndexEntry): undefined {
    this.#tryIndex((index) => index.remove(file));
    void this.#work.inBackground(this.#removeFile(file));
  }

  /** Removes what was used least recently until the rest is within the limits. */
  async #trim(): Promise<void> {
    const { maxBytes, maxEntries = MAX_ENTRIES } = this.#options.limits;
    const removeSurplus = (index: SoundIndex): string | undefined => {
      const { entries, sizeBytes } = index.totals();
      return entries > maxEntries || sizeBytes > maxBytes ? index.removeLeastRecent() : undefined;
    };
    this.#isTrimming = true;
    for (let file = this.#tryIndex(removeSurplus); file !== undefined; file = this.#tryIndex(removeSurplus)) {
      this.#counts.evictions += 1;
      await this.#removeFile(file);
    }
    this.#isTrimming = false;
  }

  /** Removes what is too old, entries without a file, and files without an entry, also those of earlier versions. */
  async #clean(): Promise<void> {
    await this.#work.attempt('the sound cache cannot be cleaned', async () => {
      const expired = this.#tryIndex((index) => index.removeOutside(...this.#lifetime())) ?? [];
      this.#counts.expired += expired.length;
      for (const file of expired) await this.#removeFile(file);
      const known = this.#tryIndex((index) => index.shelves()) ?? [];
      for (const shelf of new Set([...known, ...(await this.#folder.shelves())])) {
        if (!this.#isClosed) await this.#cleanShelf(shelf);
      }
    });
    await this.#trim();
    if (this.#isClosed) return;
    const clean = (): void => void this.#work.inBackground(this.#clean());
    this.#cancelClean = this.#options.clock.setTimer(clean, CLEAN_INTERVAL_MS);
  }

  async #cleanShelf(shelf: string): Promise<void> {
    // Before the folder is read: a file is there before its entry, so an entry of now without a file has lost it.
    const entries = this.#tryIndex((index) => index.filesIn(shelf));
    if (entries === undefined) return;
    const files = new Set(await this.#folder.list(shelf));
    for (const file of entries) {
      if (!files.delete(file)) this.#tryIndex((index) => index.remove(file));
    }
    for (const file of files) {
      if (await this.#folder.isOlder(file, this.#now() - STRAY_LIFE_MS)) await this.#removeFile(file);
    }
  }

  async #removeFile(file: string): Promise<void> {
    await this.#work.attempt('a sound could not be removed from the cache', () => this.#folder.remove(file));
  }

  /** @throws what SQLite and the file system throw; a damaged index is replaced at the next use */
  #useIndex<Value>(work: (index: SoundIndex) => Value): Value {
    try {
      if (this.#index === undefined && this.#isClosed) throw new Error('the sound cache is closed');
      this.#index ??= this.#openIndex();
      return work(this.#index);
    } catch (error) {
      if (isDamaged(error)) this.#closeIndex();
      throw error;
    }
  }

  #tryIndex<Value>(work: (index: SoundIndex) => Value): Value | undefined {
    try {
      return this.#useIndex(work);
    } catch (error) {
      // A busy index is another process at work: the next use will succeed.
      const message = 'the index of the sound cache cannot be used';
      if (!isBusy(error)) this.#work.warn(message, { error: errorWords(error) });
      return undefined;
    }
  }

  #closeIndex(): void {
    this.#index?.close();
    this.#index = undefined;
  }

  #now(): number {
    return Math.floor(this.#options.clock.now());
  }

  /** When an entry may have been written. */
  #lifetime(): readonly [earliestMs: number, latestMs: number] {
    return [this.#now() - this.#options.limits.maxAgeMs, this.#now() + CLOCK_TOLERANCE_MS];
  }
}
