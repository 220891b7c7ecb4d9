import type { CacheKind } from './cache-key.ts';

export type CountByKind = Readonly<Record<CacheKind, number>>;

/** What a cache holds, and what became of requests since the process began. */
export interface CacheStatus {
  readonly entries: number;
  readonly sizeBytes: number;
  readonly maxBytes: number;
  readonly hits: CountByKind;
  readonly misses: CountByKind;
  /** Entries that gave way to newer ones. */
  readonly evictions: number;
  /** Entries removed for their age. */
  readonly expired: number;
  /** Entries removed because they were torn, altered or of another version. */
  readonly broken: number;
  /** Sounds that could not be kept. */
  readonly unkept: number;
}

export interface CacheTally {
  hits: Record<CacheKind, number>;
  misses: Record<CacheKind, number>;
  evictions: number;
  expired: number;
  broken: number;
  unkept: number;
}

export const newTally = (): CacheTally => ({
  hits: { chunk: 0, narration: 0 },
  misses: { chunk: 0, narration: 0 },
  evictions: 0,
  expired: 0,
  broken: 0,
  unkept: 0,
});
