import { describe, expect, it } from 'vitest';
import { report } from '../../test/support/fake-child.ts';
import { fixed, type PoolHarness, openPoolHarness, startPool } from '../../test/support/pool-harness.ts';

/** Follows whether the closing is over. */
const close = ({ pool }: PoolHarness, drainMs?: number): { isOver: boolean } => {
  const closing = { isOver: false };
  const follow = async (): Promise<void> => {
    await pool.close(drainMs);
    closing.isOver = true;
  };
  void follow();
  return closing;
};

const verifyEnded = ({ clock, living, pool, kinds }: PoolHarness): void => {
  expect(living()).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
  expect(pool.snapshot().workers).toEqual([]);
  expect(kinds('ended')).toHaveLength(kinds('accepted').length);
};

describe('WorkerPool, its end', () => {
  it('drains: what it has is spoken, what comes is refused, then every child leaves', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const said = ['running', 'waiting'].map((text) => harness.say(text));
    const closing = close(harness, 10_000);
    const late = harness.say('late');
    await harness.clock.advanceAsync(100);
    expect(late.end).toBe('job_cancelled');
    harness.children[0]?.answer();
    await harness.clock.advanceAsync(100);
    expect(closing.isOver).toBe(false);
    harness.children[0]?.answer();
    await harness.clock.advanceAsync(0);
    expect(closing.isOver).toBe(true);
    expect(said.map(({ end }) => end)).toEqual(['running', 'waiting']);
    expect(harness.children[0]).toMatchObject({ leaves: 1, kills: 0 });
    verifyEnded(harness);
  });

  it('drains what waits for its next try, and what was lost', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const said = ['fails first', 'is lost first'].map((text) => harness.say(text));
    const closing = close(harness, 10_000);
    harness.children[0]?.fail(report('model_failed'));
    harness.children[0]?.end();
    await harness.clock.advanceAsync(0);
    harness.children[1]?.answer();
    await harness.clock.advanceAsync(1_000);
    harness.children[1]?.answer();
    await harness.clock.advanceAsync(0);
    expect(said.map(({ end }) => end)).toEqual(['fails first', 'is lost first']);
    expect(closing.isOver).toBe(true);
    verifyEnded(harness);
  });

  it('ends what is left when the time is over, and starts nothing any more', async () => {
    const harness = await startPool({ overrides: fixed(1) });
    const said = ['hangs', 'waiting'].map((text) => harness.say(text));
    const closing = close(harness, 2_000);
    await harness.clock.advanceAsync(1_999);
    expect(said.map(({ ends }) => ends)).toEqual([0, 0]);
    await harness.clock.advanceAsync(1);
    expect(said.map(({ end }) => end)).toEqual(['job_cancelled', 'job_cancelled']);
    expect(closing.isOver).toBe(true);
    expect(harness.children).toHaveLength(1);
    expect(harness.kinds('dispatched')).toHaveLength(1);
    verifyEnded(harness);
  });

  it('is over as soon as the last caller gives up', async () => {
    const harness = await startPool({
      overrides: fixed(1),
      opening: (count) => (count === 1 ? 'ready' : 'silent'),
    });
    const stop = new AbortController();
    harness.say('given up', { signal: stop.signal });
    harness.children[0]?.fail(report('model_failed'));
    const closing = close(harness, 10_000);
    stop.abort();
    await harness.clock.advanceAsync(0);
    expect(closing.isOver).toBe(true);
    verifyEnded(harness);
  });

  it('close(0) settles everything: running, waiting and between two tries', async () => {
    const harness = await startPool({ overrides: fixed(2) });
    harness.say('between two tries');
    harness.children[0]?.fail(report('model_failed'));
    for (const text of ['running', 'running too', 'waiting']) harness.say(text);
    const closing = close(harness);
    await harness.clock.advanceAsync(0);
    expect(harness.all.map(({ end, ends }) => [end, ends])).toEqual(
      harness.all.map(() => ['job_cancelled', 1]),
    );
    expect(closing.isOver).toBe(true);
    verifyEnded(harness);
  });

  it('waits for children that neither leave nor die, but not for ever', async () => {
    const harness = await startPool({ overrides: fixed(2) });
    for (const child of harness.children) Object.assign(child, { isMortal: false, isObedient: false });
    const said = harness.say('hangs');
    const closing = close(harness);
    await harness.clock.advanceAsync(4_999);
    expect([closing.isOver, said.ends]).toEqual([false, 0]);
    await harness.clock.advanceAsync(1_001);
    expect([closing.isOver, said.end]).toEqual([true, 'job_cancelled']);
    expect(harness.children.map(({ kills }) => kills)).toEqual([1, 1]);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('ends children that are starting, and replaces none that it lost', async () => {
    const harness = openPoolHarness({
      overrides: fixed(2),
      opening: (count) => (count === 2 ? 'dies' : 'silent'),
    });
    const started = harness.pool.start();
    started.catch(() => {});
    const said = harness.say('never');
    harness.clock.advance(0);
    const closing = close(harness);
    await harness.clock.advanceAsync(0);
    await expect(started).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(closing.isOver).toBe(true);
    expect(said.end).toBe('job_cancelled');
    verifyEnded(harness);
  });

  it('is the same for everybody who asks, and before a start', async () => {
    const harness = openPoolHarness();
    const closed = harness.pool.close(5_000);
    expect(harness.pool.close()).toBe(closed);
    await closed;
    await expect(harness.pool.start()).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(harness.children).toEqual([]);
    verifyEnded(harness);
  });
});
