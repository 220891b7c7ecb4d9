import { isTalebackError } from '@taleback/core';
import { describe, expect, test, vi } from 'vitest';
import type { Pcm } from '../../src/audio/pcm.ts';
import { createFliteEngine } from '../../src/engines/flite/flite-engine.ts';
import { compileFlite } from '../../src/engines/flite/flite-program.node.ts';
import { openEmbedded } from '../speech/open-embedded.ts';
import { pidsOf } from './open-staged.ts';

const WORKERS = 4;
const LISTENERS = 6;
/** On a machine with nothing else to do, a second each. */
const KILLS = process.env['TEST_SIZE'] === 'all' ? 30 : 15;
const KILL_EVERY_MS = 1_000;
/** A busy machine is slower; each worker has to speak between two kills, or its breaker would rightly open. */
const SPOKEN_BETWEEN_KILLS = 100;
/** As the goal is, or as long as ten starts take here. */
const BACK_WITHIN_MS = 5_000;
const BACK_WITHIN_STARTS = 10;
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

interface Counts {
  right: number;
  wrong: number;
  readonly errors: string[];
}

describe('the pool under fire', () => {
  test('half of the workers killed every second under load: 99.9 % spoken, each back within 5 s', async () => {
    const sounds = await speakAlone();
    const startedAt = performance.now();
    const service = await openEmbedded({ workerPool: { minWorkers: WORKERS, maxWorkers: WORKERS } });
    const { manager } = service;
    await manager.engine.synthesizeChunk({ text: 'Ready.', voiceId: 'kal16' });
    const startMs = performance.now() - startedAt;
    const counts: Counts = { right: 0, wrong: 0, errors: [] };
    let rounds = 0;
    let next = 0;
    const isOver = (): boolean => rounds >= KILLS;

    const listen = async (): Promise<void> => {
      while (!isOver()) {
        const text = TEXTS[next % TEXTS.length] ?? '';
        next += 1;
        try {
          const sound = await manager.engine.synthesizeChunk({ text, voiceId: 'kal16' });
          if (isSame(sound, sounds.get(text))) counts.right += 1;
          else counts.wrong += 1;
        } catch (error) {
          counts.errors.push(isTalebackError(error) ? error.code : `untyped: ${String(error)}`);
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
    let spokenAtKill = 0;
    const killing = setInterval(() => {
      if (counts.right < spokenAtKill + SPOKEN_BETWEEN_KILLS) return;
      spokenAtKill = counts.right;
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
    await vi.waitFor(() => expect(lost.size).toBe(0), { timeout: 120_000, interval: 20 });
    clearInterval(noticing);
    const { requests, retryAttempts, queueDepth, inFlight } = manager.getStatus();
    await service.close();

    const total = counts.right + counts.wrong + counts.errors.length;
    expect(absencesMs.length).toBeGreaterThan(KILLS);
    expect(retryAttempts).toBeGreaterThan(10);
    expect(counts.wrong).toBe(0);
    expect(counts.errors.filter((code) => code.startsWith('untyped'))).toEqual([]);
    expect(counts.right / total, JSON.stringify(counts.errors)).toBeGreaterThanOrEqual(0.999);
    // Each ended once, the first included, and nothing is left.
    expect(requests).toMatchObject({
      accepted: total + 1,
      spoken: counts.right + 1,
      failed: counts.errors.length,
    });
    expect([queueDepth, inFlight]).toEqual([0, 0]);
    expect(Math.max(...absencesMs)).toBeLessThan(Math.max(BACK_WITHIN_MS, BACK_WITHIN_STARTS * startMs));
  });
});
