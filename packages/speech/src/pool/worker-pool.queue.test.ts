import { getEventListeners } from 'node:events';
import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { FakeChild, report } from '../../test/support/fake-child.ts';
import { fixed, type PoolHarness, startPool } from '../../test/support/pool-harness.ts';

/** Lets every child answer until nothing is under way. @returns what they heard, in order */
const serveAll = async ({ clock, living }: PoolHarness): Promise<string[]> => {
  const heard: string[] = [];
  for (let child = living()[0]; child !== undefined; child = living().find(({ calls }) => calls.length > 0)) {
    if (child.calls.length === 0) break;
    heard.push(child.calls[0]?.request.text ?? '');
    child.answer();
    await clock.settle();
  }
  return heard;
};

describe('WorkerPool, its queue', () => {
  it('gives everybody their own sound', async () => {
    const harness = await startPool({ overrides: fixed(3) });
    const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`);
    const said = texts.map((text) => harness.say(text));
    await serveAll(harness);
    expect(said.map(({ end }) => end)).toEqual(texts);
    expect(harness.kinds('accepted')).toHaveLength(50);
    expect(harness.kinds('ended')).toHaveLength(50);
  });

  it('serves high before normal before low', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    harness.say('running');
    for (const priority of ['low', 'normal', 'high', 'low', 'normal', 'high'] as const) {
      harness.say(priority, { priority });
    }
    expect(harness.pool.snapshot()).toMatchObject({
      queueDepth: 6,
      queued: { high: 2, normal: 2, low: 2 },
      inFlight: 1,
    });
    expect(await serveAll(harness)).toEqual(['running', 'high', 'high', 'normal', 'normal', 'low', 'low']);
  });

  it('lets tenants take turns, however many texts one of them has', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    harness.say('running');
    for (let index = 1; index <= 5; index += 1) harness.say(`a${index}`, { tenant: 'a' });
    harness.say('b1', { tenant: 'b' });
    harness.say('c1', { tenant: 'c' });
    harness.say('b2', { tenant: 'b' });
    const order = await serveAll(harness);
    expect(order.slice(1)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4', 'a5']);
  });

  it('refuses what does not fit, and counts it', async () => {
    const harness = await startPool({
      overrides: { workerPool: { minWorkers: 1, maxWorkers: 1, maxQueued: 2 } },
    });
    const said = ['running', 'first', 'second', 'third'].map((text) => harness.say(text));
    await harness.clock.settle();
    expect(said.map(({ end }) => end)).toEqual([undefined, undefined, undefined, 'queue_full']);
    expect(harness.kinds('refused')).toEqual([{ kind: 'refused', code: 'queue_full' }]);
    expect(harness.kinds('accepted')).toHaveLength(3);
    expect(said[3]?.error).toMatchObject({ details: '2 wait, 2 may', retryable: true });
    await serveAll(harness);
    expect(harness.say('fourth').end).toBeUndefined();
    expect(await serveAll(harness)).toEqual(['fourth']);
  });

  it('counts those that wait for their next try as waiting', async () => {
    const harness = await startPool({
      overrides: { workerPool: { minWorkers: 1, maxWorkers: 1, maxQueued: 1 } },
    });
    harness.say('rests');
    harness.children[0]?.fail(report('model_failed'));
    harness.say('running');
    const said = harness.say('too many');
    await harness.clock.settle();
    expect(said.end).toBe('queue_full');
    expect(harness.pool.snapshot()).toMatchObject({ queueDepth: 1, queued: { normal: 1 } });
  });

  it('tells how long each waited for its worker', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    harness.say('first');
    harness.say('second');
    harness.clock.advance(250);
    harness.children[0]?.fail(report('model_failed'));
    harness.clock.advance(1_000);
    harness.children[0]?.answer();
    expect(harness.kinds('dispatched')).toMatchObject([
      { waitedMs: 0, routingMs: 0, workerId: 'worker-1' },
      { waitedMs: 250 },
      // The second before its next try was no waiting for a worker.
      { waitedMs: 0 },
    ]);
    harness.children[0]?.answer();
    await harness.clock.settle();
    expect(harness.kinds('ended')).toMatchObject([
      { outcome: 'spoken', latencyMs: 1_250, characters: 6, audioMs: 6 },
      { outcome: 'spoken', latencyMs: 1_250, characters: 5 },
    ]);
  });

  it('bears a child that answers while it is asked, however many wait', async () => {
    const overrides = { workerPool: { minWorkers: 1, maxWorkers: 1, recycleAfterJobs: 1e6 } };
    const harness = await startPool({ overrides });
    const [child] = harness.children;
    harness.say('first');
    for (let index = 0; index < 9_000; index += 1) harness.say(`text ${index}`);
    if (child === undefined) throw new Error('no child yet');
    const { prototype } = FakeChild;
    child.speak = (call) => {
      prototype.speak.call(child, call);
      child.answer();
    };
    child.answer();
    await harness.clock.settle();
    expect(harness.all.filter(({ end, text }) => end === text)).toHaveLength(9_001);
  });

  it('says how workers change', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    harness.children[0]?.end('killed by somebody');
    harness.clock.advance(0);
    expect(harness.kinds('worker-changed')).toEqual([
      { kind: 'worker-changed', workerId: 'worker-1', from: 'NEW', to: 'INITIALIZING' },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'INITIALIZING', to: 'READY' },
      {
        kind: 'worker-changed',
        workerId: 'worker-1',
        from: 'READY',
        to: 'TERMINATED',
        cause: 'killed by somebody',
      },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'TERMINATED', to: 'INITIALIZING' },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'INITIALIZING', to: 'READY' },
    ]);
  });
});

describe('WorkerPool, an abort', () => {
  it('of one that waits takes it out of the queue', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const stop = new AbortController();
    harness.say('running');
    const said = harness.say('given up', { signal: stop.signal });
    stop.abort();
    await harness.clock.settle();
    expect(said.end).toBe('job_cancelled');
    expect(harness.pool.snapshot().queueDepth).toBe(0);
    expect(await serveAll(harness)).toEqual(['running']);
  });

  it('of one that is spoken rejects at once, and its child is notified', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const stop = new AbortController();
    const said = harness.say('given up', { signal: stop.signal });
    const next = harness.say('next');
    stop.abort(new TalebackError('timed_out', 'It took too long.'));
    await harness.clock.settle();
    expect(said.end).toBe('timed_out');
    expect(harness.children[0]?.cancelled).toEqual(['req-1-1']);
    harness.children[0]?.answer();
    harness.children[0]?.answer();
    await harness.clock.settle();
    expect(next.end).toBe('next');
    expect(said.ends).toBe(1);
    expect(harness.kinds('ended')).toHaveLength(2);
  });

  it('is not tried again when the child dies of it', async () => {
    const harness = await startPool({ overrides: fixed(2) });
    const stop = new AbortController();
    const said = harness.say('given up', { signal: stop.signal });
    const [child] = harness.children;
    if (child !== undefined) child.cancel = () => child.end('cannot be told');
    stop.abort();
    await harness.clock.advanceAsync(0);
    expect(said.end).toBe('job_cancelled');
    expect(harness.kinds('retried')).toEqual([]);
    expect(harness.kinds('dispatched')).toHaveLength(1);
  });

  it('of one that waits for its next try ends it, with its timer', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const stop = new AbortController();
    const said = harness.say('given up', { signal: stop.signal });
    const timers = harness.clock.pendingTimers;
    harness.children[0]?.fail(report('model_failed'));
    // The timer of the attempt is gone; that of the wait has come.
    expect(harness.clock.pendingTimers).toBe(timers);
    stop.abort();
    await harness.clock.settle();
    expect(said.end).toBe('job_cancelled');
    expect(harness.clock.pendingTimers).toBe(timers - 1);
    await harness.clock.advanceAsync(10_000);
    expect(harness.kinds('dispatched')).toHaveLength(1);
  });

  it('before the beginning is a refusal', async () => {
    const harness = await startPool();
    const said = harness.say('never', { signal: AbortSignal.abort() });
    await harness.clock.settle();
    expect(said.end).toBe('job_cancelled');
    expect(harness.kinds('accepted')).toEqual([]);
  });

  it('is no longer listened for after the end', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    harness.say('a', { signal });
    harness.say('b', { signal });
    expect(listeners()).toBe(2);
    harness.children[0]?.fail(report('model_failed'));
    harness.children[0]?.fail(report('text_not_speakable', false));
    expect(listeners()).toBe(1);
    harness.clock.advance(1_000);
    harness.children[0]?.answer();
    expect(listeners()).toBe(0);
  });
});
