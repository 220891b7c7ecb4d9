import { describe, expect, it } from 'vitest';
import { fixed, type Stage, startPool } from '../../test/support/pool-stage.ts';

const ids = ({ pool }: Stage): string[] => pool.snapshot().workers.map(({ id }) => id);
const states = ({ pool }: Stage): string[] => pool.snapshot().workers.map(({ state }) => state);

const answerAll = async (stage: Stage): Promise<void> => {
  let child = stage.living().find(({ calls }) => calls.length > 0);
  for (; child !== undefined; child = stage.living().find(({ calls }) => calls.length > 0)) {
    child.answer();
    await stage.clock.settle();
  }
};

describe('WorkerPool, its size', () => {
  it('seed 004: scaleUpThreshold 5: grows by one for five that wait, from 1 to 5 workers', async () => {
    const stage = await startPool();
    expect(ids(stage)).toEqual(['worker-1']);
    for (let texts = 1; texts <= 5; texts += 1) stage.say(`text ${texts}`);
    expect(ids(stage)).toHaveLength(1);
    stage.say('text 6');
    expect(ids(stage)).toEqual(['worker-1', 'worker-2']);
    for (let texts = 7; texts <= 10; texts += 1) stage.say(`text ${texts}`);
    expect(ids(stage)).toHaveLength(2);
    stage.say('text 11');
    expect(ids(stage)).toHaveLength(3);
    for (let texts = 12; texts <= 100; texts += 1) stage.say(`text ${texts}`);
    expect(ids(stage)).toHaveLength(5);
    await stage.clock.advanceAsync(60);
    expect(stage.pool.snapshot().inFlight).toBe(5);
    await answerAll(stage);
    expect(stage.all.filter(({ ends, end, text }) => ends === 1 && end === text)).toHaveLength(100);
  });

  it('grows for those who wait already, without another request', async () => {
    const stage = await startPool({ overrides: { circuitBreaker: { timeoutMs: 60_000 } } });
    for (let texts = 1; texts <= 17; texts += 1) stage.say(`text ${texts}`);
    expect(ids(stage)).toHaveLength(4);
    await stage.clock.advanceAsync(2_000);
    expect(ids(stage)).toHaveLength(5);
  });

  it('seed 004: scaleDownThreshold 30000: idle workers leave one by one, and the least number stays', async () => {
    const stage = await startPool();
    for (let texts = 1; texts <= 40; texts += 1) stage.say(`text ${texts}`);
    await stage.clock.advanceAsync(0);
    expect(ids(stage)).toHaveLength(5);
    await answerAll(stage);
    await stage.clock.advanceAsync(29_000);
    expect(ids(stage)).toHaveLength(5);
    await stage.clock.advanceAsync(2_000);
    expect(ids(stage)).toEqual(['worker-1', 'worker-2', 'worker-3']);
    await stage.clock.advanceAsync(600_000);
    expect(ids(stage)).toEqual(['worker-1']);
    expect(stage.children.filter(({ kills }) => kills > 0)).toEqual([]);
    expect(stage.living()).toHaveLength(1);
  });

  it('does not let the last that serves go for being idle while another one fails', async () => {
    const stage = await startPool({ opening: (count) => (count === 1 ? 'ready' : 'silent') });
    for (let texts = 1; texts <= 6; texts += 1) stage.say(`text ${texts}`);
    await answerAll(stage);
    await stage.clock.advanceAsync(100_000);
    expect(states(stage)).toEqual(['READY', 'INITIALIZING']);
  });

  it('nor while another one dies again and again', async () => {
    const stage = await startPool();
    for (let texts = 1; texts <= 6; texts += 1) stage.say(`text ${texts}`);
    await answerAll(stage);
    for (let second = 0; second < 120; second += 1) {
      for (const child of stage.living()) if (child.workerId === 'worker-2') child.end();
      await stage.clock.advanceAsync(1_000);
    }
    expect(stage.children[0]?.isEnded).toBe(false);
  });

  it('fills a place that was left with the lowest number', async () => {
    const stage = await startPool({ overrides: fixed(3) });
    stage.children[1]?.end();
    await stage.clock.advanceAsync(0);
    expect(ids(stage)).toEqual(['worker-1', 'worker-2', 'worker-3']);
    expect(stage.children.at(-1)?.workerId).toBe('worker-2');
  });
});

/** Two workers, and when they are replaced. */
const recycling = (recycle: Record<string, number>) => ({
  workerPool: { maxWorkers: 2, minWorkers: 2, ...recycle },
});

describe('WorkerPool, recycling', () => {
  it('seed 004: replaces a worker after its requests, and loses none of those it has', async () => {
    const stage = await startPool({ overrides: { workerPool: { maxWorkers: 1, recycleAfterJobs: 3 } } });
    const said = Array.from({ length: 8 }, (_, index) => stage.say(`text ${index}`));
    for (let turn = 0; turn < 20; turn += 1) {
      stage.living()[0]?.answer();
      await stage.clock.advanceAsync(500);
    }
    expect(said.map(({ end }) => end)).toEqual(said.map(({ text }) => text));
    expect(stage.kinds('retried')).toEqual([]);
    expect(stage.children.length).toBeGreaterThanOrEqual(2);
    for (const child of stage.children.slice(0, -1)) {
      expect(child.heard.length).toBeGreaterThanOrEqual(3);
      expect(child).toMatchObject({ leaves: 1, kills: 0 });
    }
  });

  it('replaces a worker that uses too much memory, one at a time', async () => {
    const stage = await startPool({ overrides: recycling({ recycleAboveBytes: 100 }) });
    stage.say('a');
    stage.say('b');
    await answerAll(stage);
    for (const child of stage.living()) child.pulse({ rssBytes: 100 });
    expect(states(stage)).toEqual(['READY', 'READY']);
    await stage.clock.advanceAsync(1_000);
    expect(stage.children.map(({ leaves }) => leaves)).toEqual([1, 0, 0]);
    await stage.clock.advanceAsync(1_000);
    expect(stage.children.map(({ leaves }) => leaves)).toEqual([1, 1, 0, 0]);
    await stage.clock.advanceAsync(60_000);
    expect(stage.children).toHaveLength(4);
    expect(states(stage)).toEqual(['READY', 'READY']);
  });

  it('waits with the next until the last one that was replaced can speak', async () => {
    const stage = await startPool({
      overrides: recycling({ recycleAfterJobs: 1 }),
      opening: (count) => (count <= 2 ? 'ready' : 'silent'),
    });
    stage.say('a');
    stage.say('b');
    await answerAll(stage);
    await stage.clock.advanceAsync(5_000);
    expect(states(stage)).toEqual(['INITIALIZING', 'READY']);
    stage.children[2]?.ready();
    await stage.clock.advanceAsync(1_000);
    expect(states(stage)).toEqual(['READY', 'INITIALIZING']);
  });
});

describe('WorkerPool, its health checks', () => {
  it('seed 004: asks every 5 s, and replaces a worker that misses three', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const [child] = stage.children;
    if (child !== undefined) child.isAwake = false;
    stage.clock.advance(4_999);
    expect(child?.pings).toBe(0);
    stage.clock.advance(1);
    expect(child?.pings).toBe(1);
    stage.clock.advance(10_000);
    expect(child?.pings).toBe(3);
    expect(child?.kills).toBe(0);
    stage.clock.advance(5_000);
    expect(child?.kills).toBe(1);
    await stage.clock.advanceAsync(0);
    expect(stage.children).toHaveLength(2);
    expect(states(stage)).toEqual(['READY']);
  });
});
