import { FAILED_CALLBACKS } from '@taleback/outbox';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it, vi } from 'vitest';
import { startExpiry } from './expiry.ts';
import { createLibrary, type ObjectStore } from './library.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 30);

/** A store in memory. */
const openMemory = (keys: readonly string[]) => {
  const kept = new Set(keys);
  const objects: ObjectStore = {
    place: 'memory',
    write: async ({ key }) => void kept.add(key),
    read: async () => undefined,
    sizeOf: async () => undefined,
    list: async (prefix) => [...kept].filter((key) => key.startsWith(prefix)),
    remove: async (key) => void kept.delete(key),
    urlOf: async (key) => key,
    close: async () => {},
  };
  return { kept, objects, library: createLibrary(objects) };
};

const record = (day: string): string => `${FAILED_CALLBACKS}/${day}/s-1.json`;
const recording = (day: string): string => `recordings/${day}/private/users/u/x.recording`;

const start = (hidden: ReturnType<typeof openMemory>, narrations = openMemory([])) => {
  const clock = createFakeClock(START_MS);
  const logged: string[] = [];
  const aside: number[] = [];
  const expiry = startExpiry({
    stores: { hidden: hidden.library, withRecords: [hidden.library, narrations.library] },
    recordingLifetimeMs: 7 * DAY_MS,
    removeOldAside: async (nowMs) => void aside.push(nowMs),
    clock,
    log: (severity, message) => void logged.push(`${severity}: ${message}`),
  });
  return { clock, logged, aside, expiry };
};

describe('expiry', () => {
  it('removes recordings and records after their own time, also where an earlier version kept them', async () => {
    const young = [record('2026-10-31'), recording('2026-11-23'), 'private/users/u/voices/2020-01-01/a.wav'];
    const hidden = openMemory([record('2026-10-30'), recording('2026-11-22'), ...young]);
    const narrations = openMemory([record('2026-10-01'), 'tale.mp3']);
    const { expiry, aside } = start(hidden, narrations);
    await expiry.close();
    expect([...hidden.kept].sort()).toEqual([...young].sort());
    expect([...narrations.kept]).toEqual(['tale.mp3']);
    expect(aside).toEqual([START_MS]);
  });

  it('comes again every day, whatever fails, until it is closed', async () => {
    const hidden = openMemory([]);
    const list = vi.spyOn(hidden.objects, 'list').mockRejectedValue(new Error('away'));
    const { clock, logged, aside, expiry } = start(hidden);
    await expect.poll(() => aside.length).toBe(1);
    expect(logged).toHaveLength(2);
    list.mockRestore();
    hidden.kept.add(recording('2026-11-23'));
    clock.advance(DAY_MS);
    await expect.poll(() => aside.length).toBe(2);
    expect(hidden.kept.size).toBe(0);
    await expiry.close();
    clock.advance(DAY_MS);
    expect(aside).toHaveLength(2);
  });
});
