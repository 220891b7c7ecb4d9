import { createFakeClock } from '@taleback/resilience/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, HEAD_BYTES, keyFor, openCache, soundOf } from './cache-fixture.ts';
import { createFakeCacheFolder } from './fake-cache-folder.ts';

const MINUTE_MS = 60_000;
const LIMITS = { maxBytes: 1_000, maxAgeMs: 25 * MINUTE_MS, maxEntries: 5 };
const SCAN_MS = 10 * MINUTE_MS;

interface Row {
  readonly sizeBytes: number;
  readonly fill: number;
  readonly writtenAtMs: number;
  isBroken: boolean;
}

/** What a cache is, said as plainly as possible: a map in the order of use, with bounds. */
class Model {
  /** By id, least recently used first. */
  readonly rows = new Map<number, Row>();
  /** What the cache does not know of yet, because somebody else removed it. */
  readonly gone = new Set<number>();
  nowMs = 0;
  nextScanMs = SCAN_MS;
  writtenBytes = 0;

  keep(id: number, length: number, fill: number): void {
    const sizeBytes = HEAD_BYTES + length;
    if (sizeBytes > LIMITS.maxBytes) return;
    this.rows.delete(id);
    this.gone.delete(id);
    this.rows.set(id, { sizeBytes, fill, writtenAtMs: this.nowMs, isBroken: false });
    this.writtenBytes += sizeBytes;
    if (this.writtenBytes > LIMITS.maxBytes / 4) this.scan();
    this.trim();
  }

  find(id: number): ReadonlySet<number> | undefined {
    const row = this.rows.get(id);
    this.rows.delete(id);
    if (this.gone.delete(id)) return undefined;
    if (row === undefined || row.isBroken || this.isOld(row)) return undefined;
    this.rows.set(id, row);
    return new Set(row.sizeBytes > HEAD_BYTES ? [row.fill] : []);
  }

  scan(): void {
    for (const [id, row] of this.rows) {
      if (this.gone.has(id) || this.isOld(row)) this.rows.delete(id);
    }
    this.gone.clear();
    this.writtenBytes = 0;
    this.nextScanMs = this.nowMs + SCAN_MS;
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.nextScanMs <= untilMs) {
      this.nowMs = this.nextScanMs;
      this.scan();
    }
    this.nowMs = untilMs;
  }

  private isOld({ writtenAtMs }: Row): boolean {
    return this.nowMs - writtenAtMs > LIMITS.maxAgeMs;
  }

  private trim(): void {
    const sizeOf = (): number => [...this.rows.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const id of this.rows.keys()) {
      if (sizeOf() <= LIMITS.maxBytes && this.rows.size <= LIMITS.maxEntries) return;
      this.rows.delete(id);
      this.gone.delete(id);
    }
  }
}

const id = fc.nat({ max: 7 });
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('keep' as const),
      id,
      length: fc.nat({ max: 300 }),
      fill: fc.integer({ min: 1, max: 255 }),
    }),
    fc.record({ do: fc.constant('keep' as const), id, length: fc.nat({ max: 1_000 }), fill: fc.constant(1) }),
    fc.record({ do: fc.constant('find' as const), id }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.nat({ max: 30 * MINUTE_MS }) }),
    fc.record({ do: fc.constantFrom('alter' as const, 'remove' as const), id }),
    fc.record({ do: fc.constant('reopen' as const) }),
  ),
  { maxLength: 60 },
);

describe('a sound cache, against a plain map', () => {
  it('finds the same, holds the same and counts the same, whatever is done', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const folder = createFakeCacheFolder();
        const clock = createFakeClock(1_000_000_000_000);
        let { cache } = await openCache(LIMITS, folder, clock);
        const model = new Model();
        for (const step of list) {
          // Last uses differ: of equal ones, a scan cannot know the order.
          await clock.advanceAsync(1);
          model.advance(1);
          let found: ReadonlySet<number> | undefined;
          let expected: ReadonlySet<number> | undefined;
          switch (step.do) {
            case 'keep':
              await cache.keep(keyFor(step.id), soundOf(step.length, step.fill));
              model.keep(step.id, step.length, step.fill);
              break;
            case 'find':
              found = await cache.find(keyFor(step.id), (sound) => new Set(bytesOf(sound)));
              expected = model.find(step.id);
              break;
            case 'advance':
              await clock.advanceAsync(step.ms);
              model.advance(step.ms);
              break;
            case 'alter': {
              const bytes = folder.files.get(keyFor(step.id).name)?.bytes;
              if (bytes !== undefined) bytes[3]! ^= 1;
              const row = model.rows.get(step.id);
              if (row !== undefined) row.isBroken = !row.isBroken;
              break;
            }
            case 'remove':
              folder.files.delete(keyFor(step.id).name);
              if (model.rows.has(step.id)) model.gone.add(step.id);
              break;
            case 'reopen':
              await cache.close();
              ({ cache } = await openCache(LIMITS, folder, clock));
              model.scan();
          }
          await clock.settle();
          expect(found).toEqual(expected);
          const there = [...model.rows].filter(([row]) => !model.gone.has(row));
          expect(new Set(folder.files.keys())).toEqual(new Set(there.map(([row]) => keyFor(row).name)));
          const { entries, sizeBytes } = cache.status();
          const sizes = [...model.rows.values()].map((row) => row.sizeBytes);
          expect({ entries, sizeBytes }).toEqual({
            entries: sizes.length,
            sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
          });
        }
        await cache.close();
      }),
      { numRuns: 1_000 },
    );
  });
});
