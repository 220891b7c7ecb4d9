import * as fc from 'fast-check';
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { bytesOf, keyFor, openCache, soundOf } from '../../test/cache/cache-fixture.ts';

const MINUTE_MS = 60_000;
const LIMITS = { maxBytes: 1_000, maxAgeMs: 25 * MINUTE_MS, maxEntries: 5 };
const CLEAN_MS = 10 * MINUTE_MS;

interface Row {
  readonly sizeBytes: number;
  readonly fill: number;
  readonly writtenAtMs: number;
  isBroken: boolean;
}

/** A cache as plainly as possible: a map in the order of use, with bounds. */
class Model {
  /** By id, least recently used first. */
  readonly rows = new Map<number, Row>();
  /** Rows whose files were removed by people, which the cache has not noticed yet. */
  readonly gone = new Set<number>();
  nowMs = 0;
  nextCleanMs = CLEAN_MS;

  keep(id: number, sizeBytes: number, fill: number): void {
    if (sizeBytes > LIMITS.maxBytes) return;
    this.rows.delete(id);
    this.gone.delete(id);
    this.rows.set(id, { sizeBytes, fill, writtenAtMs: this.nowMs, isBroken: false });
    this.trim();
  }

  find(id: number): ReadonlySet<number> | undefined {
    const row = this.rows.get(id);
    this.rows.delete(id);
    if (this.gone.delete(id)) return undefined;
    if (row === undefined || row.isBroken || this.isOld(row)) return undefined;
    this.rows.set(id, row);
    return new Set(row.sizeBytes > 0 ? [row.fill] : []);
  }

  clean(): void {
    for (const [id, row] of this.rows) {
      if (this.gone.has(id) || this.isOld(row)) this.rows.delete(id);
    }
    this.gone.clear();
    this.nextCleanMs = this.nowMs + CLEAN_MS;
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
      length: fc.nat({ max: 420 }),
      fill: fc.integer({ min: 1, max: 255 }),
    }),
    fc.record({ do: fc.constant('keep' as const), id, length: fc.nat({ max: 1_100 }), fill: fc.constant(1) }),
    fc.record({ do: fc.constant('find' as const), id }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.nat({ max: 30 * MINUTE_MS }) }),
    fc.record({ do: fc.constantFrom('alter' as const, 'remove' as const), id }),
    fc.record({ do: fc.constant('reopen' as const) }),
  ),
  { maxLength: 60 },
);

/** Flips a bit of the file; twice is as before. */
const alter = (path: string): boolean => {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  if (bytes.length === 0) return false;
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
  return true;
};

describe('a sound cache, against a plain map', () => {
  it('finds the same, holds the same and counts the same, whatever is done', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const fixture = await openCache({ limits: LIMITS });
        const { folder, clock } = fixture;
        let { cache } = fixture;
        const index = new DatabaseSync(join(folder, 'index.db'), { readOnly: true });
        const pathOf = (id: number): string => {
          const row = index.prepare('SELECT file FROM entries WHERE key = ?').get(keyFor(id).name);
          const file = String(row?.['file'] ?? 'none');
          return join(folder, file.slice(0, 2), file);
        };
        const model = new Model();
        const advance = async (ms: number): Promise<void> => {
          const untilMs = model.nowMs + ms;
          for (const isOver = () => model.nowMs === untilMs; !isOver(); ) {
            const stepMs = Math.min(untilMs, model.nextCleanMs) - model.nowMs;
            clock.advance(stepMs);
            model.nowMs += stepMs;
            await cache.idle();
            if (model.nowMs === model.nextCleanMs) model.clean();
          }
        };
        for (const step of list) {
          // Last uses differ: of equal ones, either may be removed first.
          await advance(1);
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
              await advance(step.ms);
              break;
            case 'alter': {
              const row = model.rows.get(step.id);
              if (alter(pathOf(step.id)) && row !== undefined) row.isBroken = !row.isBroken;
              break;
            }
            case 'remove':
              if (existsSync(pathOf(step.id))) unlinkSync(pathOf(step.id));
              if (model.rows.has(step.id)) model.gone.add(step.id);
              break;
            case 'reopen':
              await cache.close();
              ({ cache } = await openCache({ limits: LIMITS, folder, clock }));
              model.clean();
          }
          await cache.idle();
          expect(found).toEqual(expected);
          const sizes = [...model.rows.values()].map((row) => row.sizeBytes);
          expect(cache.status()).toMatchObject({
            entries: sizes.length,
            sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
          });
          for (const row of model.rows.keys()) expect(existsSync(pathOf(row))).toBe(!model.gone.has(row));
        }
        await cache.close();
        index.close();
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});
