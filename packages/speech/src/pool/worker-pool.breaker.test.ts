import { describe, expect, it } from 'vitest';
import { report } from '../../test/support/fake-child.ts';
import { fixed, type Said, type Stage, startPool } from '../../test/support/pool-stage.ts';

/** No retries, so that a request is a call. */
const onceOnly = (count: number) => ({ ...fixed(count), retry: { maxAttempts: 1 } });

const busy = ({ living }: Stage) => living().filter(({ calls }) => calls.length > 0);

/** Says something, and lets whoever got it fail. */
const failOnce = async (stage: Stage): Promise<Said> => {
  const said = stage.say('in vain');
  for (const child of busy(stage)) child.fail(report('model_failed'));
  await stage.clock.advanceAsync(0);
  return said;
};

const breakers = ({ pool }: Stage): string[] => pool.snapshot().workers.map(({ breaker }) => breaker);

describe('WorkerPool, its circuit breakers', () => {
  it('seed 004: circuit breaker: half of five calls opens it, and its worker is replaced and left alone for 60 s', async () => {
    const stage = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 5; call += 1) {
      expect(breakers(stage)).toEqual(['CLOSED']);
      await failOnce(stage);
    }
    expect(breakers(stage)).toEqual(['OPEN']);
    expect(stage.kinds('breaker-changed')).toMatchObject([
      { workerId: 'worker-1', from: 'closed', to: 'open', cause: 'too-many-failures' },
    ]);
    expect(stage.children[0]?.leaves).toBe(1);
    expect(stage.children).toHaveLength(2);
    await stage.clock.advanceAsync(59_999);
    const early = stage.say('too early');
    await stage.clock.settle();
    expect(early).toMatchObject({ end: 'circuit_open', error: { retryAfterMs: 1 } });
    expect(stage.children[1]?.heard).toEqual([]);
    await stage.clock.advanceAsync(1);
    const trial = stage.say('trial');
    stage.children[1]?.answer();
    await stage.clock.settle();
    expect(trial.end).toBe('trial');
  });

  it('keeps one worker from the work of the others', async () => {
    const stage = await startPool({ overrides: onceOnly(2) });
    const other = stage.say('long');
    for (let call = 1; call <= 5; call += 1) {
      stage.say('in vain');
      stage.children[1]?.fail(report('model_failed'));
      await stage.clock.advanceAsync(0);
    }
    expect(breakers(stage)).toEqual(['CLOSED', 'OPEN']);
    const waiting = stage.say('waits for the other');
    await stage.clock.settle();
    expect(waiting.end).toBeUndefined();
    stage.children[0]?.answer();
    stage.children[0]?.answer();
    await stage.clock.settle();
    expect([other.end, waiting.end]).toEqual(['long', 'waits for the other']);
  });

  it('tells everybody at once that all are open, those who wait for their next try too', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const said = Array.from({ length: 7 }, (_, index) => stage.say(`text ${index}`));
    for (let call = 1; call <= 5; call += 1) stage.children[0]?.fail(report('model_failed'));
    await stage.clock.settle();
    expect(said.map(({ end }) => end)).toEqual(said.map(() => 'circuit_open'));
    expect(said[0]?.error).toMatchObject({ retryAfterMs: 60_000, details: '1 circuit breakers are open' });
    expect(stage.pool.snapshot().queueDepth).toBe(0);
    expect(stage.kinds('ended')).toHaveLength(7);
  });

  it('starts a fresh worker instead, while there may be more', async () => {
    const stage = await startPool({
      overrides: { workerPool: { maxWorkers: 2 }, retry: { maxAttempts: 1 } },
    });
    for (let call = 1; call <= 5; call += 1) await failOnce(stage);
    const said = stage.say('on the fresh one');
    await stage.clock.advanceAsync(0);
    expect(stage.pool.snapshot().workers.map(({ id }) => id)).toEqual(['worker-1', 'worker-2']);
    busy(stage)[0]?.answer();
    await stage.clock.settle();
    expect(said.end).toBe('on the fresh one');
  });

  it('spares the worker that is left alone before one that is well', async () => {
    const stage = await startPool({
      overrides: { workerPool: { maxWorkers: 2 }, retry: { maxAttempts: 1 } },
    });
    for (let call = 1; call <= 5; call += 1) await failOnce(stage);
    stage.say('on the fresh one');
    await stage.clock.advanceAsync(0);
    busy(stage)[0]?.answer();
    await stage.clock.advanceAsync(33_000);
    expect(stage.pool.snapshot().workers.map(({ id }) => id)).toEqual(['worker-2']);
  });

  it('half-open: one trial at a time, two that succeed close it, one that fails opens it again', async () => {
    const stage = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 5; call += 1) await failOnce(stage);
    await stage.clock.advanceAsync(60_000);
    await failOnce(stage);
    expect(breakers(stage)).toEqual(['OPEN']);
    await stage.clock.advanceAsync(60_000);
    const said = ['first', 'second', 'third'].map((text) => stage.say(text));
    const { children } = stage;
    expect(children.at(-1)?.heard).toEqual(['first']);
    children.at(-1)?.answer();
    expect(breakers(stage)).toEqual(['HALF_OPEN']);
    expect(children.at(-1)?.heard).toEqual(['first', 'second']);
    children.at(-1)?.answer();
    expect(breakers(stage)).toEqual(['CLOSED']);
    children.at(-1)?.answer();
    await stage.clock.settle();
    expect(said.map(({ end }) => end)).toEqual(['first', 'second', 'third']);
  });

  it('gives a trial to one that waited for the end of the 60 s', async () => {
    const stage = await startPool({
      overrides: { ...onceOnly(2), circuitBreaker: { timeoutMs: 100_000, maxTimeoutMs: 100_000 } },
    });
    stage.say('long');
    for (let call = 1; call <= 5; call += 1) {
      stage.say('in vain');
      stage.children[1]?.fail(report('model_failed'));
    }
    await stage.clock.advanceAsync(0);
    const waiting = stage.say('trial');
    await stage.clock.advanceAsync(61_000);
    stage.children[2]?.answer();
    await stage.clock.settle();
    expect(waiting.end).toBe('trial');
  });

  it('does not turn the order round while a trial runs', async () => {
    const stage = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 5; call += 1) await failOnce(stage);
    await stage.clock.advanceAsync(60_000);
    stage.say('trial');
    stage.say('low', { priority: 'low' });
    stage.say('high', { priority: 'high' });
    stage.children.at(-1)?.answer();
    stage.children.at(-1)?.answer();
    expect(stage.children.at(-1)?.heard).toEqual(['trial', 'high', 'low']);
  });

  it('is not opened by requests that were wrong', async () => {
    const stage = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 30; call += 1) {
      stage.say('?');
      stage.children[0]?.fail(report('text_not_speakable', false));
      await stage.clock.settle();
    }
    expect(breakers(stage)).toEqual(['CLOSED']);
    expect(stage.children).toHaveLength(1);
  });
});
