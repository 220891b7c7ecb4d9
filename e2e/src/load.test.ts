import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Stores, startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLoad } from './load/run-load.ts';

const folder = fileURLToPath(new URL(`../../.taleback/load-test-${process.pid}`, import.meta.url));
let stores: Stores;

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  stores = await startStores(folder);
});
afterAll(async () => {
  await stores?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('two thousand callbacks, fifty at once, a fifth of them twice, one in twenty forged', () => {
  it('are each answered and carried out exactly once, and no forged one is', async () => {
    const report = await runLoad({
      callbacks: 2_000,
      concurrency: 50,
      duplicates: 0.2,
      forged: 0.05,
      seed: 20_261_121,
    });
    expect(report.faults).toEqual([]);
    expect(Object.fromEntries(report.answers)).toEqual({
      'genuine 200': 1_500,
      'duplicate 200': 400,
      'forged 401': 100,
    });
    expect(report.decisions.get('applied')).toBe(1_500);
    expect(report.events).toBe(1_500);
  });
});
