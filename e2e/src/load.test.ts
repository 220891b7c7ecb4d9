import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Stores, startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLoad } from './load/run-load.ts';

const CALLBACKS = process.env['TEST_SIZE'] === 'all' ? 2_000 : 600;
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

describe('callbacks, fifty at once, a fifth of them twice, one in twenty forged', () => {
  it('are each answered and carried out exactly once, and no forged one is', async () => {
    const report = await runLoad({
      callbacks: CALLBACKS,
      concurrency: 50,
      duplicates: 0.2,
      forged: 0.05,
      seed: 20_261_121,
    });
    expect(report.faults).toEqual([]);
    expect(Object.fromEntries(report.answers)).toEqual({
      'genuine 200': 0.75 * CALLBACKS,
      'duplicate 200': 0.2 * CALLBACKS,
      'forged 401': 0.05 * CALLBACKS,
    });
    expect(report.decisions.get('applied')).toBe(0.75 * CALLBACKS);
    expect(report.events).toBe(0.75 * CALLBACKS);
  });
});
