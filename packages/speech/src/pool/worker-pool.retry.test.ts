import { describe, expect, it } from 'vitest';
import { report } from '../../test/support/fake-child.ts';
import { fixed, type PoolHarness, startPool } from '../../test/support/pool-harness.ts';

/** The children that have a call, with the workers they are of. */
const busy = ({ living }: PoolHarness) => living().filter(({ calls }) => calls.length > 0);

describe('WorkerPool, another try', () => {
  it.each([
    ['its child is lost', (harness: PoolHarness) => busy(harness)[0]?.end()],
    [
      'its child is leaving of its own accord',
      (harness: PoolHarness) => busy(harness)[0]?.fail(report('job_cancelled')),
    ],
    ['it took too long', (harness: PoolHarness) => harness.clock.advance(10_000)],
  ])('comes at once on another worker when %s', async (_cause, lose) => {
    const harness = await startPool({ overrides: fixed(2) });
    const said = harness.say('twice');
    const [first] = busy(harness);
    lose(harness);
    await harness.clock.advanceAsync(0);
    const [second] = busy(harness);
    expect(second).toBeDefined();
    expect(second?.workerId).not.toBe(first?.workerId);
    expect(second?.calls[0]).toMatchObject({ retryCount: 1, correlationId: 'req-1-2' });
    second?.answer();
    await harness.clock.settle();
    expect(said).toMatchObject({ end: 'twice', ends: 1 });
    expect(harness.kinds('retried')).toMatchObject([{ attempt: 2 }]);
  });

  it('goes before those that have not been begun', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    harness.say('first', { priority: 'low' });
    harness.say('second', { priority: 'high' });
    harness.children[0]?.end();
    await harness.clock.advanceAsync(0);
    expect(harness.children[1]?.heard).toEqual(['first']);
  });

  it('is on the same worker only when no other is free', async () => {
    const harness = await startPool({ overrides: fixed(2) });
    const [one, two] = harness.children;
    harness.say('a');
    harness.say('b');
    expect([one?.heard, two?.heard]).toEqual([['a'], ['b']]);
    one?.fail(report('model_failed'));
    harness.clock.advance(1_000);
    expect([one?.heard, two?.heard]).toEqual([['a', 'a'], ['b']]);
    one?.fail(report('model_failed'));
    two?.answer();
    harness.clock.advance(2_000);
    expect([one?.heard, two?.heard]).toEqual([
      ['a', 'a'],
      ['b', 'a'],
    ]);
  });

  it('follows other errors after 1, 2 and 4 s, and there are no more than three', async () => {
    const overrides = { ...fixed(1), circuitBreaker: { minimumCalls: 50, windowCalls: 50 } };
    const harness = await startPool({ overrides });
    const said = harness.say('again and again');
    const [child] = harness.children;
    for (const delayMs of [1_000, 2_000, 4_000]) {
      child?.fail(report('model_failed'));
      harness.clock.advance(delayMs - 1);
      expect(child?.calls).toEqual([]);
      harness.clock.advance(1);
      expect(child?.calls).toHaveLength(1);
    }
    child?.fail(report('model_failed'));
    await harness.clock.advanceAsync(60_000);
    expect(said.end).toBe('model_failed');
    expect(child?.heard).toHaveLength(4);
    expect(harness.kinds('retried')).toMatchObject([{ attempt: 2 }, { attempt: 3 }, { attempt: 4 }]);
    expect(harness.kinds('attempt-ended')).toHaveLength(4);
  });

  it('waits at least as long as the engine asks for', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    harness.say('later');
    harness.children[0]?.fail(report('provider_rate_limited', true, 7_000));
    harness.clock.advance(6_999);
    expect(harness.children[0]?.heard).toHaveLength(1);
    harness.clock.advance(1);
    expect(harness.children[0]?.heard).toHaveLength(2);
  });

  it('never follows what is wrong with the request', async () => {
    const harness = await startPool({ overrides: fixed(2) });
    const codes = ['text_not_speakable', 'voice_not_found', 'request_invalid'] as const;
    for (const code of codes) {
      const said = harness.say(code);
      busy(harness)[0]?.fail(report(code, true));
      await harness.clock.advanceAsync(10_000);
      expect(said.end).toBe(code);
    }
    const final = harness.say('for good');
    busy(harness)[0]?.fail(report('model_failed', false));
    await harness.clock.advanceAsync(10_000);
    expect(final.end).toBe('model_failed');
    expect(harness.kinds('retried')).toEqual([]);
  });

  it('seed 000: gives a text that hangs every worker 60 s in all: 10 s, 20 s and 30 s', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const said = harness.say('hang');
    const gaveMs: number[] = [];
    for (let second = 0; said.ends === 0 && second < 200; second += 1) {
      await harness.clock.advanceAsync(1_000);
      for (const event of harness.kinds('attempt-ended').slice(gaveMs.length))
        if (event.kind === 'attempt-ended') gaveMs.push(event.generationMs);
    }
    expect(said).toMatchObject({ end: 'timed_out', ends: 1 });
    expect(gaveMs).toEqual([10_000, 20_000, 30_000]);
  });

  it('ends a text that kills every worker as worker_lost after four tries, and the others are spoken', async () => {
    const harness = await startPool({ overrides: fixed(2) });
    const poison = harness.say('poison');
    const others = Array.from({ length: 10 }, (_, index) => harness.say(`other ${index}`));
    for (let second = 0; second < 30; second += 1) {
      for (const child of busy(harness)) {
        if (child.calls[0]?.request.text === 'poison') child.end('signal SIGSEGV');
        else child.answer();
      }
      await harness.clock.advanceAsync(1_000);
    }
    expect(poison).toMatchObject({ end: 'worker_lost', ends: 1, error: { details: 'signal SIGSEGV' } });
    expect(others.map(({ end }) => end)).toEqual(others.map(({ text }) => text));
    expect(harness.kinds('dispatched')).toHaveLength(14);
    expect(harness.kinds('ended')).toHaveLength(11);
  });
});
