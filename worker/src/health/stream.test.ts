import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { readinessWith, superviseStream } from './stream.ts';

const SECOND_MS = 1_000;

/** A stream whose every opening is held until the test ends it. */
const setup = (deadAfterMs = 60 * SECOND_MS) => {
  const clock = createFakeClock(0);
  const logged: string[] = [];
  const runs: {
    readonly opened: () => void;
    readonly fail: (reason: string) => void;
    readonly end: () => void;
  }[] = [];
  const stream = superviseStream({
    name: 'job stream',
    run: (opened, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        runs.push({ opened, fail: (reason) => reject(new Error(reason)), end: resolve });
      }),
    describe: (fault) => `It ended: ${(fault as Error).message}.`,
    isFinal: (fault) => (fault as Error).message === 'wrong name',
    deadAfterMs,
    clock,
    random: () => 0,
    log: (severity, message, fields) =>
      void logged.push(`${severity}: ${message} ${(fields?.['reason'] as string | undefined) ?? ''}`),
  });
  const state = { isStarted: false, dead: '' };
  void stream.start().then(() => (state.isStarted = true));
  void stream.dead.then((reason) => (state.dead = reason));
  const last = () => runs.at(-1) as (typeof runs)[number];
  return { clock, stream, runs, last, state, logged };
};

describe('superviseStream', () => {
  it('has started once the stream is open, and not before', async () => {
    const { clock, stream, last, state } = setup();
    await clock.settle();
    expect([state.isStarted, stream.health()]).toMatchObject([false, { open: false, failures: 0 }]);
    last().opened();
    await clock.settle();
    expect([state.isStarted, stream.health()]).toEqual([true, { open: true, sinceMs: 0, failures: 0 }]);
    await stream.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('is not open from the end of a stream until the next one is, which is opened with backoff', async () => {
    const { clock, stream, runs, last } = setup();
    last().opened();
    await clock.advanceAsync(20 * SECOND_MS);
    last().fail('NOT_FOUND');
    await clock.settle();
    const reason = 'It ended: NOT_FOUND.';
    expect(stream.health()).toEqual({ open: false, sinceMs: 20 * SECOND_MS, failures: 1, reason });
    const gapsMs: number[] = [];
    for (let count = 0; count < 7; count += 1) {
      const atMs = clock.now();
      while (runs.length < count + 2) await clock.advanceAsync(1);
      gapsMs.push(clock.now() - atMs);
      last().fail('NOT_FOUND');
      await clock.settle();
    }
    expect(gapsMs).toEqual([125, 250, 500, 1_000, 2_000, 2_000, 2_000]);
    await clock.advanceAsync(2_000);
    last().opened();
    expect(stream.health()).toMatchObject({ open: true, failures: 8 });
    await stream.close();
  });

  it('logs one line for an outage, and none that warns for an end that mends at once', async () => {
    const { clock, stream, last, logged } = setup();
    last().opened();
    await clock.advanceAsync(20 * SECOND_MS);
    last().end();
    await clock.advanceAsync(SECOND_MS);
    last().opened();
    await clock.advanceAsync(20 * SECOND_MS);
    for (let count = 0; count < 5; count += 1) {
      last().fail('PERMISSION_DENIED');
      await clock.advanceAsync(4 * SECOND_MS);
    }
    expect(logged).toEqual([
      'info: job stream open ',
      'info: job stream ended The server ended the stream.',
      'info: job stream open ',
      'info: job stream ended It ended: PERMISSION_DENIED.',
      'warn: job stream ended It ended: PERMISSION_DENIED.',
    ]);
    await stream.close();
  });

  it('is dead when it was not open for the configured time', async () => {
    const { clock, stream, last, state } = setup(30 * SECOND_MS);
    for (let count = 0; count < 6; count += 1) {
      last().fail('PERMISSION_DENIED');
      await clock.advanceAsync(4 * SECOND_MS);
    }
    expect(state.dead).toBe('');
    // Also when an attempt hangs.
    await clock.advanceAsync(6 * SECOND_MS);
    expect(state.dead).toBe('It ended: PERMISSION_DENIED.');
    await stream.close();
  });

  it('does not count a stream as recovered that ends again within seconds', async () => {
    const { clock, stream, last, state } = setup(30 * SECOND_MS);
    for (let count = 0; count < 5; count += 1) {
      last().opened();
      await clock.advanceAsync(2 * SECOND_MS);
      last().fail('INTERNAL');
      await clock.advanceAsync(4 * SECOND_MS);
    }
    await clock.settle();
    expect(state.dead).toBe('It ended: INTERNAL.');
    await stream.close();
  });

  it('is dead at once when the configuration can never work, unless it did before', async () => {
    const wrong = setup();
    wrong.last().fail('wrong name');
    await wrong.clock.settle();
    expect([wrong.state.dead, wrong.runs.length]).toEqual(['It ended: wrong name.', 1]);
    const right = setup();
    right.last().opened();
    right.last().fail('wrong name');
    await right.clock.advanceAsync(SECOND_MS);
    expect([right.state.dead, right.runs.length]).toEqual(['', 2]);
    await Promise.all([wrong.stream.close(), right.stream.close()]);
  });
});

describe('readinessWith', () => {
  const jobs = { open: false, sinceMs: 0, failures: 1, reason: 'Its role is missing.' };
  it.each(['ready', 'degraded'] as const)('is not ready without jobs: %s', (state) => {
    expect(readinessWith({ ready: true, state, reasons: [] }, jobs)).toEqual({
      ready: false,
      state: 'degraded',
      reasons: ['No jobs come in. Its role is missing.'],
    });
  });

  it('is as it is while jobs come in', () => {
    const readiness = { ready: true, state: 'ready', reasons: [] } as const;
    expect(readinessWith(readiness, { open: true, sinceMs: 0, failures: 3 })).toBe(readiness);
    const starting = { ready: false, state: 'starting', reasons: [] } as const;
    expect(readinessWith(starting, jobs).state).toBe('starting');
  });
});
