import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WorkerState } from './speech-line.ts';
import { report } from '../../test/support/fake-child.ts';
import { readyWorker, openWorkerHarness, type WorkerHarness } from '../../test/support/worker-harness.ts';

const RUNS = process.env['TEST_SIZE'] === 'all' ? 500 : 200;
/** Seed 004, "Worker States": where each may lead. */
const NEXT: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  TERMINATED: ['INITIALIZING'],
  INITIALIZING: ['READY', 'UNHEALTHY', 'TERMINATED'],
  READY: ['BUSY', 'UNHEALTHY', 'SHUTTING_DOWN', 'TERMINATED'],
  BUSY: ['READY', 'UNHEALTHY', 'SHUTTING_DOWN', 'TERMINATED'],
  UNHEALTHY: ['TERMINATED'],
  SHUTTING_DOWN: ['TERMINATED'],
};

const MOVES = {
  start: ({ worker, start }) => {
    if (worker.life.state === 'TERMINATED') start();
  },
  ready: ({ children }) => children.at(-1)?.ready({ concurrency: 2 }),
  earlierChildReady: ({ children }) => children[0]?.ready(),
  run: ({ worker, run }) => void (worker.hasRoom && run()),
  answer: ({ children }) => children.at(-1)?.answer(),
  fail: ({ children }) => children.at(-1)?.fail(report('model_failed')),
  pulse: ({ children }) => children.at(-1)?.pulse(),
  die: ({ children }) => children.at(-1)?.end(),
  defy: ({ children }) =>
    Object.assign(children.at(-1) ?? {}, { isMortal: false, isObedient: false, isAwake: false }),
  checkHealth: ({ worker }) => worker.checkHealth(),
  leave: ({ worker }) => worker.leave('told to'),
  kill: ({ worker }) => worker.life.kill('told to'),
  shortWait: ({ clock }) => clock.advance(1_000),
  longWait: ({ clock }) => clock.advance(61_000),
} satisfies Record<string, (harness: WorkerHarness) => void>;
type Move = keyof typeof MOVES;
const move = fc.constantFrom(...(Object.keys(MOVES) as Move[]));
const often = fc.constantFrom<Move>('start', 'ready', 'run', 'answer');

describe('SpeechWorker, its states', () => {
  it('passes through every state', () => {
    const { worker, states, start, child, run, clock } = openWorkerHarness();
    expect(worker.life.state).toBe('TERMINATED');
    start();
    child().ready();
    run();
    child().answer();
    worker.leave('told to');
    clock.advance(0);
    start();
    worker.life.kill('told to');
    clock.advance(0);
    expect(states.map(([, to]) => to)).toEqual([
      'INITIALIZING',
      'READY',
      'BUSY',
      'READY',
      'SHUTTING_DOWN',
      'TERMINATED',
      'INITIALIZING',
      'UNHEALTHY',
      'TERMINATED',
    ]);
  });

  it('takes allowed ways only, whatever happens in whatever order', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(fc.oneof(move, { weight: 2, arbitrary: often }), { maxLength: 60, size: 'max' }),
        (moves) => {
          const harness = openWorkerHarness();
          let state: WorkerState = 'TERMINATED';
          let told = 0;
          for (const name of moves) {
            MOVES[name](harness);
            for (const [from, to] of harness.states.slice(told)) {
              expect(from).toBe(state);
              expect(NEXT[from]).toContain(to);
              seen.add(`${from} ${to}`);
              state = to;
            }
            told = harness.states.length;
            const { worker } = harness;
            expect(worker.life.state).toBe(state);
            // Work is under way in BUSY, may be while it ends, and is in no other state.
            const mayWork = ['UNHEALTHY', 'SHUTTING_DOWN'].includes(state)
              ? [true, false]
              : [state === 'BUSY'];
            expect(mayWork).toContain(worker.queueDepth > 0);
            expect(worker.hasRoom && !['READY', 'BUSY'].includes(state)).toBe(false);
          }
        },
      ),
      { numRuns: RUNS },
    );
    const allowed = Object.entries(NEXT).flatMap(([from, all]) => all.map((to) => `${from} ${to}`));
    expect(allowed.filter((way) => !seen.has(way))).toEqual([]);
  });

  it('always comes to an end once it is killed, and leaves no timer', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40, size: 'max' }), (moves) => {
        const harness = openWorkerHarness((count) => (count % 3 === 0 ? 'throws' : 'silent'));
        for (const name of moves) MOVES[name](harness);
        harness.worker.life.kill('told to');
        harness.clock.advance(5_000);
        expect(harness.worker.life.state).toBe('TERMINATED');
        expect(harness.worker.queueDepth).toBe(0);
        expect(harness.clock.pendingTimers).toBe(0);
        const starts = harness.states.filter(([, to]) => to === 'INITIALIZING').length;
        expect(harness.gone).toHaveLength(starts);
      }),
    );
  });
});

describe('SpeechWorker, its start', () => {
  it('is ended when it takes too long', () => {
    const { worker, start, child, clock, gone } = openWorkerHarness();
    start();
    clock.advance(119_999);
    expect(worker.life.state).toBe('INITIALIZING');
    clock.advance(1);
    expect(child().kills).toBe(1);
    expect(gone).toEqual([{ wasReady: false, cause: 'took too long to start (killed)' }]);
  });

  it('is no longer timed once it is ready', () => {
    const { worker, clock } = readyWorker();
    clock.advance(1_000_000);
    expect(worker.life.state).toBe('READY');
    expect(worker.model).toBe('loaded');
  });

  it('fails a turn later when a child cannot even be opened', () => {
    const { worker, start, clock, gone } = openWorkerHarness(() => 'throws');
    start();
    expect(worker.life.state).toBe('INITIALIZING');
    clock.advance(0);
    expect(gone).toEqual([{ wasReady: false, cause: 'no such program' }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('begins again: what was known of the last child is forgotten', () => {
    const { worker, run, child, start, clock } = readyWorker();
    child().pulse({ rssBytes: 77 });
    run();
    child().answer();
    expect(worker).toMatchObject({ childJobs: 1, rssBytes: 77, life: { starts: 1 } });
    clock.advance(500);
    expect(worker.servedMs).toBe(500);
    child().end();
    start();
    expect(worker).toMatchObject({
      childJobs: 0,
      rssBytes: 0,
      life: { starts: 2 },
      model: undefined,
      servedMs: 0,
    });
  });
});

describe('SpeechWorker, its leaving', () => {
  it('finishes what it has before it asks its child to go', () => {
    const { worker, run, child, clock, ends } = readyWorker(2);
    run('first');
    run('second');
    worker.leave('recycled');
    expect(worker).toMatchObject({ life: { state: 'SHUTTING_DOWN' }, hasRoom: false });
    child().answer();
    expect(child().leaves).toBe(0);
    child().answer();
    expect(child().leaves).toBe(1);
    clock.advance(0);
    expect(worker.life.state).toBe('TERMINATED');
    expect(ends).toEqual(['first', 'second']);
  });

  it('is not hurried by being asked again', () => {
    const { worker, run, child } = readyWorker();
    run();
    worker.leave('recycled');
    worker.leave('recycled');
    expect(child()).toMatchObject({ kills: 0, leaves: 0 });
    child().answer();
    worker.leave('recycled');
    expect(child()).toMatchObject({ kills: 0, leaves: 1 });
  });

  it('ends a child that stays, and gives up on one that cannot be ended', () => {
    const { worker, child, clock, gone } = readyWorker();
    Object.assign(child(), { isObedient: false, isMortal: false });
    worker.leave('nothing to do');
    clock.advance(999);
    expect(child().kills).toBe(0);
    clock.advance(1);
    expect(child().kills).toBe(1);
    clock.advance(4_999);
    expect(worker.life.state).toBe('SHUTTING_DOWN');
    clock.advance(1);
    expect(gone).toEqual([{ wasReady: true, cause: 'nothing to do (its end was never reported)' }]);
    child().end('much too late');
    expect(gone).toHaveLength(1);
  });
});
