export type { CacheFolder, EntryFacts, FoundEntry } from './cache-folder.ts';
export type { CacheKey, CacheKind, NarrationIdentity } from './cache-key.ts';
export type { CacheStatus, CountByKind } from './cache-status.ts';
export { type ChunkCacheOptions, withChunkCache } from './chunk-cache.ts';
export type { KeptSound } from './entry-format.ts';
export type { CacheLimits } from './housekeeping.ts';
export { withNarrationCache } from './narration-cache.ts';
export { SoundCache, type SoundCacheParts } from './sound-cache.ts';
