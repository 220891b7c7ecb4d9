import { describe, expect, it } from 'vitest';
import type { Opening } from '../../test/support/fake-child.ts';
import { fixed, type Stage, stagePool } from '../../test/support/pool-stage.ts';

/** Begins, and tells how the start ended. */
const begin = (stage: Stage): { end: string | undefined } => {
  const start: { end: string | undefined } = { end: undefined };
  const follow = async (): Promise<void> => {
    try {
      await stage.pool.start();
      start.end = 'started';
    } catch (error) {
      start.end = (error as { code: string }).code;
    }
  };
  void follow();
  return start;
};

const facts = ({ pool }: Stage) => {
  const { mode, workers } = pool.snapshot();
  return { mode, states: workers.map(({ state }) => state) };
};

describe('WorkerPool, when children do not come up', () => {
  it.each<Opening>(['dies', 'throws'])(
    'a hopeless start is told, and everybody who waits hears it (%s)',
    async (how) => {
      const stage = stagePool({ overrides: fixed(2), opening: () => how });
      const start = begin(stage);
      const said = stage.say('waiting');
      await stage.clock.advanceAsync(30_000);
      expect(start.end).toBe('model_loading_failed');
      expect(said).toMatchObject({ end: 'model_loading_failed', ends: 1 });
      const late = stage.say('refused');
      await stage.clock.settle();
      expect(late.end).toBe('model_loading_failed');
      expect(stage.kinds('refused')).toHaveLength(1);
      expect(facts(stage).mode).toBe('single');
    },
  );

  it('a start that takes too long again and again is hopeless too', async () => {
    const stage = stagePool({ opening: () => 'silent' });
    const start = begin(stage);
    const said = stage.say('waiting');
    await stage.clock.advanceAsync(6 * 125_000);
    expect(start.end).toBe('model_loading_failed');
    expect(said.end).toBe('model_loading_failed');
  });

  it('comes back by itself when a child comes up after all', async () => {
    const stage = stagePool({ opening: (count) => (count <= 8 ? 'dies' : 'ready') });
    begin(stage);
    await stage.clock.advanceAsync(120_000);
    expect(facts(stage)).toEqual({ mode: 'pool', states: ['READY'] });
    const said = stage.say('at last');
    stage.living()[0]?.answer();
    await stage.clock.settle();
    expect(said.end).toBe('at last');
  });

  it('seed 004: falls back to a single worker, and to the pool after resetTimeoutMs', async () => {
    const stage = stagePool({ overrides: fixed(3), opening: (count) => (count <= 3 ? 'dies' : 'ready') });
    const start = begin(stage);
    await stage.clock.advanceAsync(0);
    expect(facts(stage)).toEqual({ mode: 'single', states: ['READY'] });
    expect(start.end).toBe('started');
    expect(stage.logged).toContain('error: speech pool falls back');
    for (let texts = 0; texts < 30; texts += 1) stage.say(`text ${texts}`);
    await stage.clock.advanceAsync(0);
    expect(facts(stage).states).toEqual(['BUSY']);
    for (let second = 0; second < 61; second += 1) {
      for (const child of stage.living()) while (child.calls.length > 0) child.answer();
      await stage.clock.advanceAsync(1_000);
    }
    expect(stage.all.every(({ end, text }) => end === text)).toBe(true);
    expect(facts(stage)).toEqual({ mode: 'pool', states: ['READY', 'READY', 'READY'] });
  });

  it('keeps the worker that serves when it falls back', async () => {
    const stage = stagePool({ overrides: fixed(3), opening: (count) => (count === 1 ? 'ready' : 'dies') });
    begin(stage);
    await stage.clock.advanceAsync(1_000);
    expect(facts(stage)).toEqual({ mode: 'single', states: ['READY'] });
    expect(stage.children[0]?.isEnded).toBe(false);
  });

  it('a thread speaks when no process comes up, until one does', async () => {
    let isBroken = true;
    const stage = stagePool({
      overrides: fixed(2),
      opening: () => (isBroken ? 'dies' : 'ready'),
      threadOpening: () => 'ready',
    });
    const start = begin(stage);
    const said = stage.say('spoken by a thread');
    await stage.clock.advanceAsync(10_000);
    expect(start.end).toBe('started');
    expect(facts(stage)).toEqual({ mode: 'in-process', states: ['BUSY'] });
    stage.threads[0]?.answer();
    await stage.clock.settle();
    expect(said.end).toBe('spoken by a thread');
    isBroken = false;
    await stage.clock.advanceAsync(60_000);
    expect(facts(stage)).toEqual({ mode: 'pool', states: ['READY', 'READY'] });
    expect(stage.living()).toHaveLength(2);
    expect(stage.threads.map(({ isEnded, kills }) => [isEnded, kills])).toEqual([[true, 0]]);
  });

  it('the thread goes on speaking while the pool is tried again in vain', async () => {
    const stage = stagePool({ overrides: fixed(2), opening: () => 'dies', threadOpening: () => 'ready' });
    begin(stage);
    for (let second = 0; second < 400; second += 1) {
      await stage.clock.advanceAsync(1_000);
      if (second < 10) continue;
      const said = stage.say(`second ${second}`);
      for (const thread of stage.threads) if (thread.calls.length > 0) thread.answer();
      await stage.clock.settle();
      expect(said.end).toBe(said.text);
    }
    expect(stage.threads).toHaveLength(1);
    expect(facts(stage).mode).toBe('in-process');
    expect(stage.logged.filter((line) => line.includes('tried again')).length).toBeGreaterThan(3);
  });

  it('gives up when no thread comes up either', async () => {
    const stage = stagePool({ opening: () => 'dies', threadOpening: () => 'dies' });
    const start = begin(stage);
    const said = stage.say('waiting');
    await stage.clock.advanceAsync(30_000);
    expect([start.end, said.end]).toEqual(['model_loading_failed', 'model_loading_failed']);
    expect(facts(stage).mode).toBe('in-process');
  });

  it('a worker that only finishes its work does not stand in the way of a thread', async () => {
    const stage = stagePool({
      overrides: { workerPool: { minWorkers: 2, maxWorkers: 2, recycleAfterJobs: 1 } },
      opening: (count) => (count === 1 ? 'ready' : 'dies'),
      threadOpening: () => 'ready',
    });
    begin(stage);
    await stage.clock.advanceAsync(60);
    const [child] = stage.children;
    stage.say('quick');
    child?.answer();
    child?.ready();
    stage.say('long');
    for (let second = 0; second < 9; second += 1) {
      child?.pulse();
      await stage.clock.advanceAsync(1_000);
    }
    child?.answer();
    await stage.clock.advanceAsync(10_000);
    const said = stage.say('still served');
    for (const thread of stage.threads) thread.answer();
    await stage.clock.settle();
    expect(said.end).toBe('still served');
  });
});
