import { getEventListeners } from 'node:events';
import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { FakeChild, report } from '../../test/support/fake-child.ts';
import { fixed, type Stage, startPool } from '../../test/support/pool-stage.ts';

/** Lets every child answer until nothing is under way. @returns what they heard, in order */
const serveAll = async ({ clock, living }: Stage): Promise<string[]> => {
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
    const stage = await startPool({ overrides: fixed(3) });
    const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`);
    const said = texts.map((text) => stage.say(text));
    await serveAll(stage);
    expect(said.map(({ end }) => end)).toEqual(texts);
    expect(stage.kinds('accepted')).toHaveLength(50);
    expect(stage.kinds('ended')).toHaveLength(50);
  });

  it('serves high before normal before low', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    stage.say('running');
    for (const priority of ['low', 'normal', 'high', 'low', 'normal', 'high'] as const) {
      stage.say(priority, { priority });
    }
    expect(stage.pool.snapshot()).toMatchObject({
      queueDepth: 6,
      queued: { high: 2, normal: 2, low: 2 },
      inFlight: 1,
    });
    expect(await serveAll(stage)).toEqual(['running', 'high', 'high', 'normal', 'normal', 'low', 'low']);
  });

  it('lets tenants take turns, however many texts one of them has', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    stage.say('running');
    for (let index = 1; index <= 5; index += 1) stage.say(`a${index}`, {}, { tenant: 'a' });
    stage.say('b1', {}, { tenant: 'b' });
    stage.say('c1', {}, { tenant: 'c' });
    stage.say('b2', {}, { tenant: 'b' });
    const order = await serveAll(stage);
    expect(order.slice(1)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4', 'a5']);
  });

  it('refuses what does not fit, and counts it', async () => {
    const stage = await startPool({
      overrides: { workerPool: { minWorkers: 1, maxWorkers: 1, maxQueued: 2 } },
    });
    const said = ['running', 'first', 'second', 'third'].map((text) => stage.say(text));
    await stage.clock.settle();
    expect(said.map(({ end }) => end)).toEqual([undefined, undefined, undefined, 'queue_full']);
    expect(stage.kinds('refused')).toEqual([{ kind: 'refused', code: 'queue_full' }]);
    expect(stage.kinds('accepted')).toHaveLength(3);
    expect(said[3]?.error).toMatchObject({ details: '2 wait, 2 may', retryable: true });
    await serveAll(stage);
    expect(stage.say('fourth').end).toBeUndefined();
    expect(await serveAll(stage)).toEqual(['fourth']);
  });

  it('counts those that wait for their next try as waiting', async () => {
    const stage = await startPool({
      overrides: { workerPool: { minWorkers: 1, maxWorkers: 1, maxQueued: 1 } },
    });
    stage.say('rests');
    stage.children[0]?.fail(report('model_failed'));
    stage.say('running');
    const said = stage.say('too many');
    await stage.clock.settle();
    expect(said.end).toBe('queue_full');
    expect(stage.pool.snapshot()).toMatchObject({ queueDepth: 1, queued: { normal: 1 } });
  });

  it('tells how long each waited for its worker', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    stage.say('first');
    stage.say('second');
    stage.clock.advance(250);
    stage.children[0]?.fail(report('model_failed'));
    stage.clock.advance(1_000);
    stage.children[0]?.answer();
    expect(stage.kinds('dispatched')).toMatchObject([
      { waitedMs: 0, routingMs: 0, workerId: 'worker-1' },
      { waitedMs: 250 },
      // The second before its next try was no waiting for a worker.
      { waitedMs: 0 },
    ]);
    stage.children[0]?.answer();
    await stage.clock.settle();
    expect(stage.kinds('ended')).toMatchObject([
      { outcome: 'spoken', latencyMs: 1_250, characters: 6, audioMs: 6 },
      { outcome: 'spoken', latencyMs: 1_250, characters: 5 },
    ]);
  });

  it('bears a child that answers while it is asked, however many wait', async () => {
    const overrides = { workerPool: { minWorkers: 1, maxWorkers: 1, recycleAfterJobs: 1e6 } };
    const stage = await startPool({ overrides });
    const [child] = stage.children;
    stage.say('first');
    for (let index = 0; index < 9_000; index += 1) stage.say(`text ${index}`);
    if (child === undefined) throw new Error('no child yet');
    const { prototype } = FakeChild;
    child.speak = (call) => {
      prototype.speak.call(child, call);
      child.answer();
    };
    child.answer();
    await stage.clock.settle();
    expect(stage.all.filter(({ end, text }) => end === text)).toHaveLength(9_001);
  });

  it('says how workers change', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    stage.children[0]?.end('killed by somebody');
    stage.clock.advance(0);
    expect(stage.kinds('worker-changed')).toEqual([
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
    const stage = await startPool({ overrides: fixed(1) });
    const stop = new AbortController();
    stage.say('running');
    const said = stage.say('given up', {}, { signal: stop.signal });
    stop.abort();
    await stage.clock.settle();
    expect(said.end).toBe('job_cancelled');
    expect(stage.pool.snapshot().queueDepth).toBe(0);
    expect(await serveAll(stage)).toEqual(['running']);
  });

  it('of one that is spoken rejects at once, and its child is told', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const stop = new AbortController();
    const said = stage.say('given up', {}, { signal: stop.signal });
    const next = stage.say('next');
    stop.abort(new TalebackError('timed_out', 'It took too long.'));
    await stage.clock.settle();
    expect(said.end).toBe('timed_out');
    expect(stage.children[0]?.cancelled).toEqual(['req-1-1']);
    stage.children[0]?.answer();
    stage.children[0]?.answer();
    await stage.clock.settle();
    expect(next.end).toBe('next');
    expect(said.ends).toBe(1);
    expect(stage.kinds('ended')).toHaveLength(2);
  });

  it('is not tried again when the child dies of it', async () => {
    const stage = await startPool({ overrides: fixed(2) });
    const stop = new AbortController();
    const said = stage.say('given up', {}, { signal: stop.signal });
    const [child] = stage.children;
    if (child !== undefined) child.cancel = () => child.end('cannot be told');
    stop.abort();
    await stage.clock.advanceAsync(0);
    expect(said.end).toBe('job_cancelled');
    expect(stage.kinds('retried')).toEqual([]);
    expect(stage.kinds('dispatched')).toHaveLength(1);
  });

  it('of one that waits for its next try ends it, with its timer', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const stop = new AbortController();
    const said = stage.say('given up', {}, { signal: stop.signal });
    const timers = stage.clock.pendingTimers;
    stage.children[0]?.fail(report('model_failed'));
    // The timer of the attempt is gone; that of the wait has come.
    expect(stage.clock.pendingTimers).toBe(timers);
    stop.abort();
    await stage.clock.settle();
    expect(said.end).toBe('job_cancelled');
    expect(stage.clock.pendingTimers).toBe(timers - 1);
    await stage.clock.advanceAsync(10_000);
    expect(stage.kinds('dispatched')).toHaveLength(1);
  });

  it('before the beginning is a refusal', async () => {
    const stage = await startPool();
    const said = stage.say('never', {}, { signal: AbortSignal.abort() });
    await stage.clock.settle();
    expect(said.end).toBe('job_cancelled');
    expect(stage.kinds('accepted')).toEqual([]);
  });

  it('is no longer listened for after the end', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    stage.say('a', {}, { signal });
    stage.say('b', {}, { signal });
    expect(listeners()).toBe(2);
    stage.children[0]?.fail(report('model_failed'));
    stage.children[0]?.fail(report('text_not_speakable', false));
    expect(listeners()).toBe(1);
    stage.clock.advance(1_000);
    stage.children[0]?.answer();
    expect(listeners()).toBe(0);
  });
});
