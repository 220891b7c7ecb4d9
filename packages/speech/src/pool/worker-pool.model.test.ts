import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { report } from '../../test/support/fake-child.ts';
import { type PoolHarness, openPoolHarness } from '../../test/support/pool-harness.ts';

const RUNS = process.env['TEST_SIZE'] === 'all' ? 300 : 120;
const priority = fc.constantFrom('high', 'normal', 'low' as const);
const which = fc.nat(7);
const FAILURES = ['model_failed', 'text_not_speakable', 'job_cancelled', 'gpu_out_of_memory'] as const;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('speak' as const), priority, tenant: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ready' as const), which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      which,
      code: fc.constantFrom(...FAILURES),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('defy' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pulse' as const), which, bytes: fc.nat(300) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 100, 999, 1_000, 5_000, 11_000, 61_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Run extends PoolHarness {
  readonly controllers: AbortController[];
}

const take = (run: Run, move: Step): void | Promise<void> => {
  const { clock, controllers, say } = run;
  const living = run.living();
  const child = 'which' in move ? living[move.which % Math.max(1, living.length)] : undefined;
  switch (move.do) {
    case 'speak': {
      const controller = new AbortController();
      controllers.push(controller);
      const text = `text ${controllers.length}`;
      say(text, { priority: move.priority, signal: controller.signal, tenant: `t${move.tenant}` });
      return undefined;
    }
    case 'abort':
      return controllers[move.which]?.abort();
    case 'ready':
      return child?.ready({ concurrency: 1 + (move.which % 2) });
    case 'answer':
      if (child !== undefined && child.calls.length > 0) child.answer();
      return undefined;
    case 'fail':
      if (child === undefined || child.calls.length === 0) return undefined;
      return child.fail(report(move.code, move.code !== 'text_not_speakable'));
    case 'die':
      return child?.end();
    case 'defy':
      if (child !== undefined) Object.assign(child, { isMortal: false, isObedient: false, isAwake: false });
      return undefined;
    case 'pulse':
      return child?.pulse({ rssBytes: move.bytes });
    case 'wait':
      return clock.advanceAsync(move.ms);
  }
};

const KNOWN_CODES = new Set([
  'circuit_open',
  'gpu_out_of_memory',
  'job_cancelled',
  'model_failed',
  'model_loading_failed',
  'queue_full',
  'text_not_speakable',
  'timed_out',
  'worker_lost',
]);

const verify = ({ all, clock, events, kinds, pool, children, threads }: Run): void => {
  for (const { text, ends, end } of all) {
    expect(ends, text).toBe(1);
    expect(end === text || KNOWN_CODES.has(end ?? ''), `${text}: ${end}`).toBe(true);
  }
  expect(kinds('ended')).toHaveLength(kinds('accepted').length);
  expect(kinds('accepted').length + kinds('refused').length).toBe(all.length);
  expect(kinds('attempt-ended')).toHaveLength(kinds('dispatched').length);
  expect(clock.pendingTimers).toBe(0);
  expect(pool.snapshot()).toMatchObject({ queueDepth: 0, inFlight: 0, workers: [] });
  for (const child of [...children, ...threads]) {
    // Ended by itself, or killed and given up on.
    expect(child.isEnded || child.kills > 0).toBe(true);
  }
  // Whoever was handed a request was ready for it.
  const states = new Map<string, string>();
  for (const event of events) {
    if (event.kind === 'worker-changed') states.set(event.workerId, event.to);
    if (event.kind === 'dispatched') expect(['READY', 'BUSY']).toContain(states.get(event.workerId));
  }
};

const runs = fc.record({
  steps: fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
  minWorkers: fc.integer({ min: 1, max: 2 }),
  maxWorkers: fc.integer({ min: 2, max: 4 }),
  hasThread: fc.boolean(),
  isReadyAtOnce: fc.boolean(),
  drainMs: fc.constantFrom(0, 2_000),
  maxQueued: fc.constantFrom(0, 3, 100),
});
type Setting = typeof runs extends fc.Arbitrary<infer R> ? R : never;

/** A pool after the steps, and how its start ended. */
const play = async (setting: Setting): Promise<Run & { readonly started: Promise<unknown> }> => {
  const { steps, minWorkers, maxWorkers, hasThread, isReadyAtOnce, maxQueued } = setting;
  const harness = openPoolHarness({
    overrides: {
      workerPool: {
        minWorkers,
        maxWorkers,
        maxQueued,
        scaleUpThreshold: 2,
        recycleAfterJobs: 4,
        recycleAboveBytes: 200,
        startTimeoutMs: 20_000,
      },
      circuitBreaker: { minimumCalls: 2, resetTimeoutMs: 20_000 },
    },
    opening: (count) => (count % 7 === 6 ? 'throws' : isReadyAtOnce ? 'ready' : 'silent'),
    ...(hasThread ? { threadOpening: () => 'silent' as const } : {}),
  });
  const run = { ...harness, controllers: [], started: Promise.allSettled([harness.pool.start()]) };
  for (const move of steps) await take(run, move);
  return run;
};

describe('WorkerPool against chance', () => {
  it('ends every request exactly once, and leaves neither a timer nor a child', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (setting) => {
        const run = await play(setting);
        const closed = run.pool.close(setting.drainMs);
        run.say('too late');
        await run.clock.advanceAsync(setting.drainMs + 10_000);
        await closed;
        await run.started;
        verify(run);
        expect(run.all.at(-1)).toMatchObject({ ends: 1, end: 'job_cancelled' });
      }),
      { numRuns: RUNS },
    );
  });

  it('recovers automatically once its children are well, and leaves no one waiting', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (setting) => {
        const run = await play(setting);
        for (let second = 0; second < 200; second += 1) {
          for (const child of run.living()) {
            child.ready();
            child.pulse({ rssBytes: 1 });
            while (child.calls.length > 0 && !child.isEnded) child.answer();
          }
          await run.clock.advanceAsync(1_000);
        }
        for (const { text, ends } of run.all) expect(ends, text).toBe(1);
        const said = run.say('well again');
        await run.clock.advanceAsync(0);
        for (const child of run.living()) while (child.calls.length > 0) child.answer();
        await run.clock.settle();
        expect(said.end).toBe('well again');
        expect(run.pool.snapshot()).toMatchObject({ queueDepth: 0, inFlight: 0, mode: 'pool' });
        await closeAt(run);
        verify(run);
      }),
      { numRuns: RUNS / 3 },
    );
  });
});

const closeAt = async ({ pool, clock }: Run): Promise<void> => {
  const closed = pool.close();
  await clock.advanceAsync(10_000);
  await closed;
};
