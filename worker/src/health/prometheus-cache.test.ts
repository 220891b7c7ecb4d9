import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createCacheMetrics } from './prometheus-cache.ts';

it('tells what the cache holds and what became of requests to it', async () => {
  const registry = new Registry();
  createCacheMetrics(registry, () => ({
    entries: 3,
    sizeBytes: 4_096,
    maxBytes: 10_000,
    hits: { chunk: 5, narration: 2 },
    misses: { chunk: 7, narration: 1 },
    evictions: 4,
    expired: 3,
    broken: 2,
    unkept: 1,
  }));
  await registry.metrics();
  const text = await registry.metrics();
  for (const line of [
    'taleback_cache_bytes 4096',
    'taleback_cache_requests_total{kind="chunk",outcome="hit"} 5',
    'taleback_cache_requests_total{kind="narration",outcome="miss"} 1',
    'taleback_cache_lost_total{cause="evicted"} 4',
    'taleback_cache_lost_total{cause="unkept"} 1',
  ]) {
    expect(text).toContain(line);
  }
});
