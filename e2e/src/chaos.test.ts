import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chaos, describeStorm, openChaos } from './chaos/open-chaos.ts';

/** `npm run test:all` has more of everything. */
const isAll = process.env['TEST_SIZE'] === 'all';
const SEEDS = Array.from({ length: isAll ? 10 : 2 }, (_, index) => index + 1);
const STORIES = isAll ? 200 : 120;
/** A storm takes less than a minute on an idle machine, and several on a busy one. */
const STORM_MS = 600_000;

const folder = fileURLToPath(new URL(`../../.taleback/chaos-test-${process.pid}`, import.meta.url));
let chaos: Chaos;

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  chaos = await openChaos(folder, STORIES);
});

afterAll(async () => {
  await chaos?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('while workers are killed, callbacks are lost and Firestore stands still', () => {
  it.each(SEEDS)(
    'every story comes to its own true end, seed %i',
    async (seed) => {
      const report = await chaos.storm(seed);
      expect(report.verdict.faults, describeStorm(report)).toEqual([]);
      expect(report.verdict.ready).toBeGreaterThan(0.9 * STORIES);
      for (const [name, count] of Object.entries(report.counts)) expect(count, name).toBeGreaterThan(0);
    },
    STORM_MS,
  );
});
