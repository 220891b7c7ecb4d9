import { describe, expect, it } from 'vitest';
import { fixed, type PoolHarness, startPool } from '../../test/support/pool-harness.ts';

const ids = ({ pool }: PoolHarness): string[] => pool.snapshot().workers.map(({ id }) => id);
const states = ({ pool }: PoolHarness): string[] => pool.snapshot().workers.map(({ state }) => state);

const answerAll = async (harness: PoolHarness): Promise<void> => {
  let child = harness.living().find(({ calls }) => calls.length > 0);
  for (; child !== undefined; child = harness.living().find(({ calls }) => calls.length > 0)) {
    child.answer();
    await harness.clock.settle();
  }
};

describe('WorkerPool, its size', () => {
  it('scaleUpThreshold 5: grows by one for five that wait, from 1 to 5 workers', async () => {
    const harness = await startPool();
    expect(ids(harness)).toEqual(['worker-1']);
    for (let texts = 1; texts <= 5; texts += 1) harness.say(`text ${texts}`);
    expect(ids(harness)).toHaveLength(1);
    harness.say('text 6');
    expect(ids(harness)).toEqual(['worker-1', 'worker-2']);
    for (let texts = 7; texts <= 10; texts += 1) harness.say(`text ${texts}`);
    expect(ids(harness)).toHaveLength(2);
    harness.say('text 11');
    expect(ids(harness)).toHaveLength(3);
    for (let texts = 12; texts <= 100; texts += 1) harness.say(`text ${texts}`);
    expect(ids(harness)).toHaveLength(5);
    await harness.clock.advanceAsync(60);
    expect(harness.pool.snapshot().inFlight).toBe(5);
    await answerAll(harness);
    expect(harness.all.filter(({ ends, end, text }) => ends === 1 && end === text)).toHaveLength(100);
  });

  it('grows for those who wait already, without another request', async () => {
    const harness = await startPool({ overrides: { circuitBreaker: { timeoutMs: 60_000 } } });
    for (let texts = 1; texts <= 17; texts += 1) harness.say(`text ${texts}`);
    expect(ids(harness)).toHaveLength(4);
    await harness.clock.advanceAsync(2_000);
    expect(ids(harness)).toHaveLength(5);
  });

  it('scaleDownThreshold 30000: idle workers leave one by one, and the least number stays', async () => {
    const harness = await startPool();
    for (let texts = 1; texts <= 40; texts += 1) harness.say(`text ${texts}`);
    await harness.clock.advanceAsync(0);
    expect(ids(harness)).toHaveLength(5);
    await answerAll(harness);
    await harness.clock.advanceAsync(29_000);
    expect(ids(harness)).toHaveLength(5);
    await harness.clock.advanceAsync(2_000);
    expect(ids(harness)).toEqual(['worker-1', 'worker-2', 'worker-3']);
    await harness.clock.advanceAsync(600_000);
    expect(ids(harness)).toEqual(['worker-1']);
    expect(harness.children.filter(({ kills }) => kills > 0)).toEqual([]);
    expect(harness.living()).toHaveLength(1);
  });

  it('does not let the last that serves go for being idle while another one fails', async () => {
    const harness = await startPool({ opening: (count) => (count === 1 ? 'ready' : 'silent') });
    for (let texts = 1; texts <= 6; texts += 1) harness.say(`text ${texts}`);
    await answerAll(harness);
    await harness.clock.advanceAsync(100_000);
    expect(states(harness)).toEqual(['READY', 'INITIALIZING']);
  });

  it('nor while another one dies again and again', async () => {
    const harness = await startPool();
    for (let texts = 1; texts <= 6; texts += 1) harness.say(`text ${texts}`);
    await answerAll(harness);
    for (let second = 0; second < 120; second += 1) {
      for (const child of harness.living()) if (child.workerId === 'worker-2') child.end();
      await harness.clock.advanceAsync(1_000);
    }
    expect(harness.children[0]?.isEnded).toBe(false);
  });

  it('fills a place that was left with the lowest number', async () => {
    const harness = await startPool({ overrides: fixed(3) });
    harness.children[1]?.end();
    await harness.clock.advanceAsync(0);
    expect(ids(harness)).toEqual(['worker-1', 'worker-2', 'worker-3']);
    expect(harness.children.at(-1)?.workerId).toBe('worker-2');
  });
});

/** Two workers, and when they are replaced. */
const recycling = (recycle: Record<string, number>) => ({
  workerPool: { maxWorkers: 2, minWorkers: 2, ...recycle },
});

describe('WorkerPool, recycling', () => {
  it('replaces a worker after its requests, and loses none of those it has', async () => {
    const harness = await startPool({ overrides: { workerPool: { maxWorkers: 1, recycleAfterJobs: 3 } } });
    const said = Array.from({ length: 8 }, (_, index) => harness.say(`text ${index}`));
    for (let turn = 0; turn < 20; turn += 1) {
      harness.living()[0]?.answer();
      await harness.clock.advanceAsync(500);
    }
    expect(said.map(({ end }) => end)).toEqual(said.map(({ text }) => text));
    expect(harness.kinds('retried')).toEqual([]);
    expect(harness.children.length).toBeGreaterThanOrEqual(2);
    for (const child of harness.children.slice(0, -1)) {
      expect(child.heard.length).toBeGreaterThanOrEqual(3);
      expect(child).toMatchObject({ leaves: 1, kills: 0 });
    }
  });

  it('replaces a worker that uses too much memory, one at a time', async () => {
    const harness = await startPool({ overrides: recycling({ recycleAboveBytes: 100 }) });
    harness.say('a');
    harness.say('b');
    await answerAll(harness);
    for (const child of harness.living()) child.pulse({ rssBytes: 100 });
    expect(states(harness)).toEqual(['READY', 'READY']);
    await harness.clock.advanceAsync(1_000);
    expect(harness.children.map(({ leaves }) => leaves)).toEqual([1, 0, 0]);
    await harness.clock.advanceAsync(1_000);
    expect(harness.children.map(({ leaves }) => leaves)).toEqual([1, 1, 0, 0]);
    await harness.clock.advanceAsync(60_000);
    expect(harness.children).toHaveLength(4);
    expect(states(harness)).toEqual(['READY', 'READY']);
  });

  it('waits with the next until the last one that was replaced can speak', async () => {
    const harness = await startPool({
      overrides: recycling({ recycleAfterJobs: 1 }),
      opening: (count) => (count <= 2 ? 'ready' : 'silent'),
    });
    harness.say('a');
    harness.say('b');
    await answerAll(harness);
    await harness.clock.advanceAsync(5_000);
    expect(states(harness)).toEqual(['INITIALIZING', 'READY']);
    harness.children[2]?.ready();
    await harness.clock.advanceAsync(1_000);
    expect(states(harness)).toEqual(['READY', 'INITIALIZING']);
  });
});

describe('WorkerPool, its health checks', () => {
  it('asks every 5 s, and replaces a worker that misses three', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const [child] = harness.children;
    if (child !== undefined) child.isAwake = false;
    harness.clock.advance(4_999);
    expect(child?.pings).toBe(0);
    harness.clock.advance(1);
    expect(child?.pings).toBe(1);
    harness.clock.advance(10_000);
    expect(child?.pings).toBe(3);
    expect(child?.kills).toBe(0);
    harness.clock.advance(5_000);
    expect(child?.kills).toBe(1);
    await harness.clock.advanceAsync(0);
    expect(harness.children).toHaveLength(2);
    expect(states(harness)).toEqual(['READY']);
  });
});
