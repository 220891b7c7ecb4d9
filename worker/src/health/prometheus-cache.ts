import { Counter, Gauge, type Registry } from 'prom-client';
import type { CacheStatus } from '@taleback/speech/src/cache/sound-cache.ts';

const KINDS = ['chunk', 'narration'] as const;

/** The metrics of the cache, which is asked once per scrape. */
export const createCacheMetrics = (registry: Registry, status: () => CacheStatus | undefined) => {
  const registers = [registry];
  const size = new Gauge({
    name: 'taleback_cache_bytes',
    help: 'Size of the speech that is kept.',
    registers,
    collect() {
      this.set(status()?.sizeBytes ?? 0);
    },
  });
  const requests = new Counter({
    name: 'taleback_cache_requests_total',
    help: 'Pieces and narrations that were looked for in the cache.',
    labelNames: ['kind', 'outcome'],
    registers,
    collect() {
      this.reset();
      const counts = status();
      for (const kind of KINDS) {
        this.inc({ kind, outcome: 'hit' }, counts?.hits[kind] ?? 0);
        this.inc({ kind, outcome: 'miss' }, counts?.misses[kind] ?? 0);
      }
    },
  });
  const lost = new Counter({
    name: 'taleback_cache_lost_total',
    help: 'Entries that went (evicted, expired, broken) and sounds that could not be kept (unkept).',
    labelNames: ['cause'],
    registers,
    collect() {
      this.reset();
      const counts = status();
      for (const [cause, count] of Object.entries({
        evicted: counts?.evictions ?? 0,
        expired: counts?.expired ?? 0,
        broken: counts?.broken ?? 0,
        unkept: counts?.unkept ?? 0,
      })) {
        this.inc({ cause }, count);
      }
    },
  });
  return { size, requests, lost };
};
