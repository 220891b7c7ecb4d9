import { describe, expect, it } from 'vitest';
import { report } from '../../test/support/fake-child.ts';
import { fixed, type Said, type PoolHarness, startPool } from '../../test/support/pool-harness.ts';

/** No retries, so that a request is a call. */
const onceOnly = (count: number) => ({ ...fixed(count), retry: { maxAttempts: 1 } });

const busy = ({ living }: PoolHarness) => living().filter(({ calls }) => calls.length > 0);

/** Says something, and lets whoever got it fail. */
const failOnce = async (harness: PoolHarness): Promise<Said> => {
  const said = harness.say('in vain');
  for (const child of busy(harness)) child.fail(report('model_failed'));
  await harness.clock.advanceAsync(0);
  return said;
};

const breakers = ({ pool }: PoolHarness): string[] => pool.snapshot().workers.map(({ breaker }) => breaker);

describe('WorkerPool, its circuit breakers', () => {
  it('circuit breaker: half of five calls opens it, and its worker is replaced and left alone for 60 s', async () => {
    const harness = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 5; call += 1) {
      expect(breakers(harness)).toEqual(['CLOSED']);
      await failOnce(harness);
    }
    expect(breakers(harness)).toEqual(['OPEN']);
    expect(harness.kinds('breaker-changed')).toMatchObject([
      { workerId: 'worker-1', from: 'closed', to: 'open', cause: 'too-many-failures' },
    ]);
    expect(harness.children[0]?.leaves).toBe(1);
    expect(harness.children).toHaveLength(2);
    await harness.clock.advanceAsync(59_999);
    const early = harness.say('too early');
    await harness.clock.settle();
    expect(early).toMatchObject({ end: 'circuit_open', error: { retryAfterMs: 1 } });
    expect(harness.children[1]?.heard).toEqual([]);
    await harness.clock.advanceAsync(1);
    const trial = harness.say('trial');
    harness.children[1]?.answer();
    await harness.clock.settle();
    expect(trial.end).toBe('trial');
  });

  it('keeps one worker from the work of the others', async () => {
    const harness = await startPool({ overrides: onceOnly(2) });
    const other = harness.say('long');
    for (let call = 1; call <= 5; call += 1) {
      harness.say('in vain');
      harness.children[1]?.fail(report('model_failed'));
      await harness.clock.advanceAsync(0);
    }
    expect(breakers(harness)).toEqual(['CLOSED', 'OPEN']);
    const waiting = harness.say('waits for the other');
    await harness.clock.settle();
    expect(waiting.end).toBeUndefined();
    harness.children[0]?.answer();
    harness.children[0]?.answer();
    await harness.clock.settle();
    expect([other.end, waiting.end]).toEqual(['long', 'waits for the other']);
  });

  it('tells everybody at once that all are open, those who wait for their next try too', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const said = Array.from({ length: 7 }, (_, index) => harness.say(`text ${index}`));
    for (let call = 1; call <= 5; call += 1) harness.children[0]?.fail(report('model_failed'));
    await harness.clock.settle();
    expect(said.map(({ end }) => end)).toEqual(said.map(() => 'circuit_open'));
    expect(said[0]?.error).toMatchObject({ retryAfterMs: 60_000, details: '1 circuit breakers are open' });
    expect(harness.pool.snapshot().queueDepth).toBe(0);
    expect(harness.kinds('ended')).toHaveLength(7);
  });

  it('starts a fresh worker instead, while there may be more', async () => {
    const harness = await startPool({
      overrides: { workerPool: { maxWorkers: 2 }, retry: { maxAttempts: 1 } },
    });
    for (let call = 1; call <= 5; call += 1) await failOnce(harness);
    const said = harness.say('on the fresh one');
    await harness.clock.advanceAsync(0);
    expect(harness.pool.snapshot().workers.map(({ id }) => id)).toEqual(['worker-1', 'worker-2']);
    busy(harness)[0]?.answer();
    await harness.clock.settle();
    expect(said.end).toBe('on the fresh one');
  });

  it('spares the worker that is left alone before one that is well', async () => {
    const harness = await startPool({
      overrides: { workerPool: { maxWorkers: 2 }, retry: { maxAttempts: 1 } },
    });
    for (let call = 1; call <= 5; call += 1) await failOnce(harness);
    harness.say('on the fresh one');
    await harness.clock.advanceAsync(0);
    busy(harness)[0]?.answer();
    await harness.clock.advanceAsync(33_000);
    expect(harness.pool.snapshot().workers.map(({ id }) => id)).toEqual(['worker-2']);
  });

  it('half-open: one trial at a time, two that succeed close it, one that fails opens it again', async () => {
    const harness = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 5; call += 1) await failOnce(harness);
    await harness.clock.advanceAsync(60_000);
    await failOnce(harness);
    expect(breakers(harness)).toEqual(['OPEN']);
    await harness.clock.advanceAsync(60_000);
    const said = ['first', 'second', 'third'].map((text) => harness.say(text));
    const { children } = harness;
    expect(children.at(-1)?.heard).toEqual(['first']);
    children.at(-1)?.answer();
    expect(breakers(harness)).toEqual(['HALF_OPEN']);
    expect(children.at(-1)?.heard).toEqual(['first', 'second']);
    children.at(-1)?.answer();
    expect(breakers(harness)).toEqual(['CLOSED']);
    children.at(-1)?.answer();
    await harness.clock.settle();
    expect(said.map(({ end }) => end)).toEqual(['first', 'second', 'third']);
  });

  it('gives a trial to one that waited for the end of the 60 s', async () => {
    const harness = await startPool({
      overrides: { ...onceOnly(2), circuitBreaker: { timeoutMs: 100_000 } },
    });
    harness.say('long');
    for (let call = 1; call <= 5; call += 1) {
      harness.say('in vain');
      harness.children[1]?.fail(report('model_failed'));
    }
    await harness.clock.advanceAsync(0);
    const waiting = harness.say('trial');
    await harness.clock.advanceAsync(61_000);
    harness.children[2]?.answer();
    await harness.clock.settle();
    expect(waiting.end).toBe('trial');
  });

  it('does not turn the order round while a trial runs', async () => {
    const harness = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 5; call += 1) await failOnce(harness);
    await harness.clock.advanceAsync(60_000);
    harness.say('trial');
    harness.say('low', { priority: 'low' });
    harness.say('high', { priority: 'high' });
    harness.children.at(-1)?.answer();
    harness.children.at(-1)?.answer();
    expect(harness.children.at(-1)?.heard).toEqual(['trial', 'high', 'low']);
  });

  it('is not opened by requests that were wrong', async () => {
    const harness = await startPool({ overrides: onceOnly(1) });
    for (let call = 1; call <= 30; call += 1) {
      harness.say('?');
      harness.children[0]?.fail(report('text_not_speakable', false));
      await harness.clock.settle();
    }
    expect(breakers(harness)).toEqual(['CLOSED']);
    expect(harness.children).toHaveLength(1);
  });
});
