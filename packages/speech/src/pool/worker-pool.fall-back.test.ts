import { describe, expect, it } from 'vitest';
import type { Opening } from '../../test/support/fake-child.ts';
import { fixed, type PoolHarness, openPoolHarness } from '../../test/support/pool-harness.ts';

/** Begins, and tells how the start ended. */
const begin = (harness: PoolHarness): { end: string | undefined } => {
  const start: { end: string | undefined } = { end: undefined };
  const follow = async (): Promise<void> => {
    try {
      await harness.pool.start();
      start.end = 'started';
    } catch (error) {
      start.end = (error as { code: string }).code;
    }
  };
  void follow();
  return start;
};

const facts = ({ pool }: PoolHarness) => {
  const { mode, workers } = pool.snapshot();
  return { mode, states: workers.map(({ state }) => state) };
};

describe('WorkerPool, when children do not come up', () => {
  it.each<Opening>(['dies', 'throws'])(
    'a hopeless start is told, and everybody who waits hears it (%s)',
    async (how) => {
      const harness = openPoolHarness({ overrides: fixed(2), opening: () => how });
      const start = begin(harness);
      const said = harness.say('waiting');
      await harness.clock.advanceAsync(30_000);
      expect(start.end).toBe('model_loading_failed');
      expect(said).toMatchObject({ end: 'model_loading_failed', ends: 1 });
      const late = harness.say('refused');
      await harness.clock.settle();
      expect(late.end).toBe('model_loading_failed');
      expect(harness.kinds('refused')).toHaveLength(1);
      expect(facts(harness).mode).toBe('single');
    },
  );

  it('a start that takes too long again and again is hopeless too', async () => {
    const harness = openPoolHarness({ opening: () => 'silent' });
    const start = begin(harness);
    const said = harness.say('waiting');
    await harness.clock.advanceAsync(6 * 125_000);
    expect(start.end).toBe('model_loading_failed');
    expect(said.end).toBe('model_loading_failed');
  });

  it('recovers automatically when a child comes up after all', async () => {
    const harness = openPoolHarness({ opening: (count) => (count <= 8 ? 'dies' : 'ready') });
    begin(harness);
    await harness.clock.advanceAsync(120_000);
    expect(facts(harness)).toEqual({ mode: 'pool', states: ['READY'] });
    const said = harness.say('at last');
    harness.living()[0]?.answer();
    await harness.clock.settle();
    expect(said.end).toBe('at last');
  });

  it('falls back to a single worker, and to the pool after resetTimeoutMs', async () => {
    const harness = openPoolHarness({
      overrides: fixed(3),
      opening: (count) => (count <= 3 ? 'dies' : 'ready'),
    });
    const start = begin(harness);
    await harness.clock.advanceAsync(0);
    expect(facts(harness)).toEqual({ mode: 'single', states: ['READY'] });
    expect(start.end).toBe('started');
    expect(harness.logged).toContain('error: speech pool falls back');
    for (let texts = 0; texts < 30; texts += 1) harness.say(`text ${texts}`);
    await harness.clock.advanceAsync(0);
    expect(facts(harness).states).toEqual(['BUSY']);
    for (let second = 0; second < 61; second += 1) {
      for (const child of harness.living()) while (child.calls.length > 0) child.answer();
      await harness.clock.advanceAsync(1_000);
    }
    expect(harness.all.every(({ end, text }) => end === text)).toBe(true);
    expect(facts(harness)).toEqual({ mode: 'pool', states: ['READY', 'READY', 'READY'] });
  });

  it('keeps the worker that serves when it falls back', async () => {
    const harness = openPoolHarness({
      overrides: fixed(3),
      opening: (count) => (count === 1 ? 'ready' : 'dies'),
    });
    begin(harness);
    await harness.clock.advanceAsync(1_000);
    expect(facts(harness)).toEqual({ mode: 'single', states: ['READY'] });
    expect(harness.children[0]?.isEnded).toBe(false);
  });

  it('a thread speaks when no process comes up, until one does', async () => {
    let isBroken = true;
    const harness = openPoolHarness({
      overrides: fixed(2),
      opening: () => (isBroken ? 'dies' : 'ready'),
      threadOpening: () => 'ready',
    });
    const start = begin(harness);
    const said = harness.say('spoken by a thread');
    await harness.clock.advanceAsync(10_000);
    expect(start.end).toBe('started');
    expect(facts(harness)).toEqual({ mode: 'in-process', states: ['BUSY'] });
    harness.threads[0]?.answer();
    await harness.clock.settle();
    expect(said.end).toBe('spoken by a thread');
    isBroken = false;
    await harness.clock.advanceAsync(60_000);
    expect(facts(harness)).toEqual({ mode: 'pool', states: ['READY', 'READY'] });
    expect(harness.living()).toHaveLength(2);
    expect(harness.threads.map(({ isEnded, kills }) => [isEnded, kills])).toEqual([[true, 0]]);
  });

  it('the thread goes on speaking while the pool is tried again in vain', async () => {
    const harness = openPoolHarness({
      overrides: fixed(2),
      opening: () => 'dies',
      threadOpening: () => 'ready',
    });
    begin(harness);
    for (let second = 0; second < 400; second += 1) {
      await harness.clock.advanceAsync(1_000);
      if (second < 10) continue;
      const said = harness.say(`second ${second}`);
      for (const thread of harness.threads) if (thread.calls.length > 0) thread.answer();
      await harness.clock.settle();
      expect(said.end).toBe(said.text);
    }
    expect(harness.threads).toHaveLength(1);
    expect(facts(harness).mode).toBe('in-process');
    expect(harness.logged.filter((line) => line.includes('tried again')).length).toBeGreaterThan(3);
  });

  it('gives up when no thread comes up either', async () => {
    const harness = openPoolHarness({ opening: () => 'dies', threadOpening: () => 'dies' });
    const start = begin(harness);
    const said = harness.say('waiting');
    await harness.clock.advanceAsync(30_000);
    expect([start.end, said.end]).toEqual(['model_loading_failed', 'model_loading_failed']);
    expect(facts(harness).mode).toBe('in-process');
  });

  it('a worker that only finishes its work does not stand in the way of a thread', async () => {
    const harness = openPoolHarness({
      overrides: { workerPool: { minWorkers: 2, maxWorkers: 2, recycleAfterJobs: 1 } },
      opening: (count) => (count === 1 ? 'ready' : 'dies'),
      threadOpening: () => 'ready',
    });
    begin(harness);
    await harness.clock.advanceAsync(60);
    const [child] = harness.children;
    harness.say('quick');
    child?.answer();
    child?.ready();
    harness.say('long');
    for (let second = 0; second < 9; second += 1) {
      child?.pulse();
      await harness.clock.advanceAsync(1_000);
    }
    child?.answer();
    await harness.clock.advanceAsync(10_000);
    const said = harness.say('still served');
    for (const thread of harness.threads) thread.answer();
    await harness.clock.settle();
    expect(said.end).toBe('still served');
  });
});
