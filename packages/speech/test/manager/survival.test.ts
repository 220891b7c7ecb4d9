import { isTalebackError } from '@taleback/core';
import { describe, expect, test, vi } from 'vitest';
import type { Pcm } from '../../src/audio/pcm.ts';
import { createFliteEngine } from '../../src/engines/flite/flite-engine.ts';
import { compileFlite } from '../../src/engines/flite/flite-program.node.ts';
import { openEmbedded } from '../speech/open-embedded.ts';
import { pidsOf } from './open-staged.ts';

const WORKERS = 4;
const LISTENERS = 6;
const LASTS_MS = 30_000;
const KILL_EVERY_MS = 1_000;
const TEXTS = Array.from({ length: 40 }, (_, index) => `Tide number ${index} came up to step ${index * 7}.`);

/** What each text sounds like when nothing is wrong. */
const speakAlone = async (): Promise<ReadonlyMap<string, Pcm>> => {
  const engine = createFliteEngine(await compileFlite());
  const sounds = new Map<string, Pcm>();
  for (const text of TEXTS) sounds.set(text, await engine.synthesizeChunk({ text, voiceId: 'kal16' }));
  return sounds;
};

const isSame = (one: Pcm, other: Pcm | undefined): boolean =>
  other !== undefined && Buffer.from(one.samples.buffer).equals(Buffer.from(other.samples.buffer));

interface Tally {
  right: number;
  wrong: number;
  readonly errors: string[];
}

describe('the pool under fire', { timeout: 120_000 }, () => {
  test('seed 004: half of the workers killed every second for 30 s under load, 99.9 % spoken, back within 5 s', async () => {
    const sounds = await speakAlone();
    const service = await openEmbedded({ workerPool: { minWorkers: WORKERS, maxWorkers: WORKERS } });
    const { manager } = service;
    const tally: Tally = { right: 0, wrong: 0, errors: [] };
    const endsAt = performance.now() + LASTS_MS;
    let next = 0;

    const listen = async (): Promise<void> => {
      while (performance.now() < endsAt) {
        const text = TEXTS[next % TEXTS.length] ?? '';
        next += 1;
        try {
          const sound = await manager.engine.synthesizeChunk({ text, voiceId: 'kal16' });
          if (isSame(sound, sounds.get(text))) tally.right += 1;
          else tally.wrong += 1;
        } catch (error) {
          tally.errors.push(isTalebackError(error) ? error.code : `untyped: ${String(error)}`);
        }
      }
    };

    /** By worker, the process that was killed and when; taken out when another process serves in its place. */
    const lost = new Map<string, { readonly pid: number; readonly atMs: number }>();
    const absencesMs: number[] = [];
    const notice = (): void => {
      for (const { id, state, pid } of manager.getStatus().workers) {
        const killed = lost.get(id);
        const isServing = state === 'READY' || state === 'BUSY';
        if (killed === undefined || !isServing || pid === killed.pid) continue;
        lost.delete(id);
        absencesMs.push(performance.now() - killed.atMs);
      }
    };
    let rounds = 0;
    const killing = setInterval(() => {
      rounds += 1;
      const half = [...pidsOf(manager)].slice(rounds % 2 === 0 ? 0 : WORKERS / 2).slice(0, WORKERS / 2);
      for (const [id, pid] of half) {
        process.kill(pid, 'SIGKILL');
        lost.set(id, { pid, atMs: performance.now() });
      }
    }, KILL_EVERY_MS);
    const noticing = setInterval(notice, 20);

    await Promise.all(Array.from({ length: LISTENERS }, listen));
    clearInterval(killing);
    await vi.waitFor(() => expect(lost.size).toBe(0), { timeout: 10_000, interval: 20 });
    clearInterval(noticing);
    const { requests, retryAttempts, queueDepth, inFlight } = manager.getStatus();
    await service.close();

    const total = tally.right + tally.wrong + tally.errors.length;
    expect(absencesMs.length).toBeGreaterThan(40);
    expect(retryAttempts).toBeGreaterThan(10);
    expect(tally.wrong).toBe(0);
    expect(tally.errors.filter((code) => code.startsWith('untyped'))).toEqual([]);
    expect(tally.right / total, JSON.stringify(tally.errors)).toBeGreaterThanOrEqual(0.999);
    // Each ended once, and nothing is left.
    expect(requests).toMatchObject({ accepted: total, spoken: tally.right, failed: tally.errors.length });
    expect([queueDepth, inFlight]).toEqual([0, 0]);
    expect(Math.max(...absencesMs)).toBeLessThan(5_000);
  });
});
