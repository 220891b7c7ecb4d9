import type { Clock } from '@taleback/resilience';
import type { Log } from '@taleback/core';
import type { CacheFolder } from './cache-folder.ts';
import type { CacheKey } from './cache-key.ts';
import { type CacheStatus, newTally } from './cache-status.ts';
import { formatEntry, type KeptSound, parseEntry } from './entry-format.ts';
import { Errands } from './errands.ts';
import { type CacheLimits, Housekeeping } from './housekeeping.ts';
import { withPatience } from './patience.ts';

export interface SoundCacheParts {
  readonly folder: CacheFolder;
  readonly limits: CacheLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sounds that a hanging disk may hold in memory. */
const MAX_WRITING_BYTES = 64 * 2 ** 20;

/**
 * Sounds that were made before, in a folder that several processes may share. It holds what people wrote only as sound
 * and as hashes, never as words.
 *
 * Nothing here ever fails a request: what cannot be read is missing, what cannot be written is not kept, and a warning
 * says so once a minute. What is torn, altered or too old is never given out.
 *
 * @see seed 002, "Smart Caching"
 */
export class SoundCache {
  readonly #parts: SoundCacheParts;
  readonly #tally = newTally();
  readonly #errands: Errands;
  readonly #housekeeping: Housekeeping;
  #writingBytes = 0;
  #isClosed = false;

  constructor(parts: SoundCacheParts) {
    this.#parts = parts;
    this.#errands = new Errands(parts.log, parts.clock);
    this.#housekeeping = new Housekeeping({ ...parts, errands: this.#errands, tally: this.#tally });
  }

  /** Looks what is there, and goes on looking from time to time. Sounds are found and kept before it settles, too. */
  async open(): Promise<void> {
    const prepare = (): Promise<void> => this.#parts.folder.prepare();
    const opened = this.#errands
      .attempt('the sound cache cannot be opened', prepare)
      .then(() => this.#housekeeping.scan());
    this.#errands.leave(opened);
    await this.#patiently(opened, undefined);
  }

  /**
   * The sound of this key, in memory that is the caller's.
   * @param read makes of it what the caller needs; undefined means that it is of no use, and it is removed
   */
  async find<Value>(
    key: CacheKey,
    read: (sound: KeptSound) => Value | undefined,
  ): Promise<Value | undefined> {
    const reading = this.#errands.attempt('a sound could not be read from the cache', () =>
      this.#read(key.name, read),
    );
    const value = await this.#patiently(reading, undefined);
    this.#tally[value === undefined ? 'misses' : 'hits'][key.kind] += 1;
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
    if (isTooMuch || length > this.#parts.limits.maxBytes || this.#isClosed) {
      this.#tally.unkept += 1;
      return true;
    }
    this.#writingBytes += length;
    const written = this.#write(name, sound).then((isKept) => {
      this.#writingBytes -= length;
      if (!isKept) this.#tally.unkept += 1;
      return true;
    });
    this.#errands.leave(written);
    return this.#patiently(written, false);
  }

  status(): CacheStatus {
    const { hits, misses, ...counts } = this.#tally;
    return {
      ...this.#housekeeping.size(),
      maxBytes: this.#parts.limits.maxBytes,
      hits: { ...hits },
      misses: { ...misses },
      ...counts,
    };
  }

  /** Finishes what nobody waits for, unless the disk hangs. Nothing is kept after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#housekeeping.stop();
    await this.#patiently(this.#errands.done(), undefined);
  }

  async #read<Value>(
    name: string,
    read: (sound: KeptSound) => Value | undefined,
  ): Promise<Value | undefined> {
    const { folder, limits, clock } = this.#parts;
    const file = await folder.read(name, limits.maxBytes);
    if (file === 'missing') {
      this.#housekeeping.noteMissing(name);
      return undefined;
    }
    const entry = file === 'oversized' ? { fault: 'too large' } : await parseEntry(name, file);
    if ('fault' in entry) return this.#discardBroken(name, entry.fault);
    if (this.#housekeeping.isTooOld(entry.writtenAtMs)) {
      this.#tally.expired += 1;
      this.#housekeeping.discard(name);
      return undefined;
    }
    const value = read(entry);
    if (value === undefined) return this.#discardBroken(name, 'facts of no use');
    const { writtenAtMs } = entry;
    this.#housekeeping.noteUsed(name, {
      sizeBytes: file.length,
      writtenAtMs,
      usedAtMs: Math.floor(clock.now()),
    });
    return value;
  }

  #discardBroken(name: string, fault: string): undefined {
    this.#tally.broken += 1;
    this.#errands.warn('a broken sound was removed from the cache', { name, fault });
    this.#housekeeping.discard(name);
  }

  async #write(name: string, sound: KeptSound): Promise<boolean> {
    const { folder, limits, clock } = this.#parts;
    const nowMs = Math.floor(clock.now());
    const isKept = await this.#errands.attempt('a sound could not be kept in the cache', async () => {
      const parts = await formatEntry(name, { ...sound, writtenAtMs: nowMs });
      const sizeBytes = parts.reduce((sum, { length }) => sum + length, 0);
      if (sizeBytes > limits.maxBytes) return false;
      await folder.write(name, parts, nowMs);
      this.#housekeeping.noteWritten(name, { sizeBytes, writtenAtMs: nowMs, usedAtMs: nowMs });
      return true;
    });
    return isKept === true;
  }

  #patiently<Value, Late>(work: Promise<Value>, late: Late): Promise<Value | Late> {
    return withPatience(this.#parts.clock, work, () => {
      this.#errands.warn('the disk of the sound cache is slow', {});
      return late;
    });
  }
}
