import { describe, expect, it } from 'vitest';
import { report } from '../../test/support/fake-child.ts';
import { fixed, type Stage, stagePool, startPool } from '../../test/support/pool-stage.ts';

/** Follows whether the closing is over. */
const close = ({ pool }: Stage, drainMs?: number): { isOver: boolean } => {
  const closing = { isOver: false };
  const follow = async (): Promise<void> => {
    await pool.close(drainMs);
    closing.isOver = true;
  };
  void follow();
  return closing;
};

const verifyEnded = ({ clock, living, pool, kinds }: Stage): void => {
  expect(living()).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
  expect(pool.snapshot().workers).toEqual([]);
  expect(kinds('ended')).toHaveLength(kinds('accepted').length);
};

describe('WorkerPool, its end', () => {
  it('drains: what it has is spoken, what comes is refused, then every child leaves', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const said = ['running', 'waiting'].map((text) => stage.say(text));
    const closing = close(stage, 10_000);
    const late = stage.say('late');
    await stage.clock.advanceAsync(100);
    expect(late.end).toBe('job_cancelled');
    stage.children[0]?.answer();
    await stage.clock.advanceAsync(100);
    expect(closing.isOver).toBe(false);
    stage.children[0]?.answer();
    await stage.clock.advanceAsync(0);
    expect(closing.isOver).toBe(true);
    expect(said.map(({ end }) => end)).toEqual(['running', 'waiting']);
    expect(stage.children[0]).toMatchObject({ leaves: 1, kills: 0 });
    verifyEnded(stage);
  });

  it('drains what waits for its next try, and what was lost', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const said = ['fails first', 'is lost first'].map((text) => stage.say(text));
    const closing = close(stage, 10_000);
    stage.children[0]?.fail(report('model_failed'));
    stage.children[0]?.end();
    await stage.clock.advanceAsync(0);
    stage.children[1]?.answer();
    await stage.clock.advanceAsync(1_000);
    stage.children[1]?.answer();
    await stage.clock.advanceAsync(0);
    expect(said.map(({ end }) => end)).toEqual(['fails first', 'is lost first']);
    expect(closing.isOver).toBe(true);
    verifyEnded(stage);
  });

  it('ends what is left when the time is over, and starts nothing any more', async () => {
    const stage = await startPool({ overrides: fixed(1) });
    const said = ['hangs', 'waiting'].map((text) => stage.say(text));
    const closing = close(stage, 2_000);
    await stage.clock.advanceAsync(1_999);
    expect(said.map(({ ends }) => ends)).toEqual([0, 0]);
    await stage.clock.advanceAsync(1);
    expect(said.map(({ end }) => end)).toEqual(['job_cancelled', 'job_cancelled']);
    expect(closing.isOver).toBe(true);
    expect(stage.children).toHaveLength(1);
    expect(stage.kinds('dispatched')).toHaveLength(1);
    verifyEnded(stage);
  });

  it('is over as soon as the last caller gives up', async () => {
    const stage = await startPool({
      overrides: fixed(1),
      opening: (count) => (count === 1 ? 'ready' : 'silent'),
    });
    const stop = new AbortController();
    stage.say('given up', {}, { signal: stop.signal });
    stage.children[0]?.fail(report('model_failed'));
    const closing = close(stage, 10_000);
    stop.abort();
    await stage.clock.advanceAsync(0);
    expect(closing.isOver).toBe(true);
    verifyEnded(stage);
  });

  it('close(0) settles everything: running, waiting and between two tries', async () => {
    const stage = await startPool({ overrides: fixed(2) });
    stage.say('between two tries');
    stage.children[0]?.fail(report('model_failed'));
    for (const text of ['running', 'running too', 'waiting']) stage.say(text);
    const closing = close(stage);
    await stage.clock.advanceAsync(0);
    expect(stage.all.map(({ end, ends }) => [end, ends])).toEqual(stage.all.map(() => ['job_cancelled', 1]));
    expect(closing.isOver).toBe(true);
    verifyEnded(stage);
  });

  it('waits for children that neither leave nor die, but not for ever', async () => {
    const stage = await startPool({ overrides: fixed(2) });
    for (const child of stage.children) Object.assign(child, { isMortal: false, isObedient: false });
    const said = stage.say('hangs');
    const closing = close(stage);
    await stage.clock.advanceAsync(4_999);
    expect([closing.isOver, said.ends]).toEqual([false, 0]);
    await stage.clock.advanceAsync(1_001);
    expect([closing.isOver, said.end]).toEqual([true, 'job_cancelled']);
    expect(stage.children.map(({ kills }) => kills)).toEqual([1, 1]);
    expect(stage.clock.pendingTimers).toBe(0);
  });

  it('ends children that are starting, and replaces none that it lost', async () => {
    const stage = stagePool({ overrides: fixed(2), opening: (count) => (count === 2 ? 'dies' : 'silent') });
    const started = stage.pool.start();
    started.catch(() => {});
    const said = stage.say('never');
    stage.clock.advance(0);
    const closing = close(stage);
    await stage.clock.advanceAsync(0);
    await expect(started).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(closing.isOver).toBe(true);
    expect(said.end).toBe('job_cancelled');
    verifyEnded(stage);
  });

  it('is the same for everybody who asks, and before a start', async () => {
    const stage = stagePool();
    const closed = stage.pool.close(5_000);
    expect(stage.pool.close()).toBe(closed);
    await closed;
    await expect(stage.pool.start()).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(stage.children).toEqual([]);
    verifyEnded(stage);
  });
});
