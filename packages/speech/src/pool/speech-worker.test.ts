import { describe, expect, it } from 'vitest';
import { report } from '../../test/support/fake-child.ts';
import { readyWorker, openWorkerHarness, type WorkerHarness } from '../../test/support/worker-harness.ts';

describe('SpeechWorker, its requests', () => {
  it('speaks as many at once as its child takes', () => {
    const { worker, run, child } = readyWorker(2);
    run();
    expect(worker).toMatchObject({ life: { state: 'BUSY' }, hasRoom: true, queueDepth: 1 });
    run();
    expect(worker).toMatchObject({ hasRoom: false, queueDepth: 2 });
    child().answer();
    expect(worker).toMatchObject({ life: { state: 'BUSY' }, hasRoom: true, queueDepth: 1 });
  });

  it('names every try of every request differently', () => {
    const { worker, run, child } = readyWorker(3);
    const job = run('again');
    run('other');
    const permit = worker.admit();
    if (job !== undefined && permit !== undefined) worker.run(job, permit, () => {});
    const calls = child().calls.map(({ correlationId, retryCount }) => [correlationId, retryCount]);
    expect(calls).toEqual([
      ['req-1-1', 0],
      ['req-2-1', 0],
      ['req-1-2', 1],
    ]);
  });

  it('does not hear late, double and unknown answers', () => {
    const { run, child, ends, worker, start, children } = readyWorker();
    run('first');
    const [call] = child().calls;
    child().answer();
    child().answer(call?.correlationId);
    child().answer('req-99-1');
    child().fail(report('model_failed'), call?.correlationId);
    child().end();
    start();
    children[1]?.ready();
    run('second');
    children[0]?.answer('req-2-1');
    expect(ends).toEqual(['first']);
    expect(worker.queueDepth).toBe(1);
  });

  it('does not hear a child that the place was taken from', () => {
    const { worker, child, clock, start, children } = readyWorker();
    Object.assign(child(), { isMortal: false });
    worker.life.kill('told to');
    clock.advance(5_000);
    start();
    const [late, present] = children;
    late?.ready();
    late?.pulse({ rssBytes: 9 });
    late?.end();
    expect(worker).toMatchObject({ life: { state: 'INITIALIZING' }, rssBytes: 0 });
    present?.ready();
    expect(worker.life.state).toBe('READY');
  });

  it('timeoutMs 10000: kills what does not answer in time', () => {
    const { worker, run, child, clock, ends } = readyWorker(2);
    run('slow');
    clock.advance(1);
    run('with it');
    clock.advance(9_998);
    expect(ends).toEqual([]);
    clock.advance(1);
    expect(ends[0]).toBe('timed_out');
    expect(child().kills).toBe(1);
    clock.advance(0);
    expect(ends).toEqual(['timed_out', 'worker_lost']);
    expect(worker.life.state).toBe('TERMINATED');
  });

  it('gives long texts and slow engines more, up to 60 s', () => {
    const { run, child, clock, ends } = readyWorker();
    const text = 'x'.repeat(300);
    for (let turn = 0; turn < 10; turn += 1) {
      run(text);
      clock.advance(9_000);
      child().answer();
    }
    run(text);
    clock.advance(17_999);
    expect(ends).toHaveLength(10);
    clock.advance(1);
    expect(ends.at(-1)).toBe('timed_out');
  });

  it('never gives more than 60 s', () => {
    const { run, child, clock, ends } = readyWorker();
    for (let turn = 0; turn < 10; turn += 1) {
      run('short');
      clock.advance(9_999);
      child().answer();
    }
    run('x'.repeat(2_000));
    clock.advance(59_999);
    expect(ends).toHaveLength(10);
    clock.advance(1);
    expect(ends).toHaveLength(11);
  });

  it('gives no more to an engine that never answers in time', () => {
    const overrides = { circuitBreaker: { minimumCalls: 50, windowCalls: 50 } };
    const { run, child, clock, ends, start } = readyWorker(1, overrides);
    for (let turn = 0; turn < 10; turn += 1) {
      run();
      clock.advance(10_000);
      start();
      child().ready();
    }
    run();
    clock.advance(9_999);
    expect(ends).toHaveLength(10);
    clock.advance(1);
    expect(ends).toHaveLength(11);
  });

  it('fails a request that cannot be sent, and goes on', () => {
    const { worker, run, child, ends } = readyWorker();
    child().speak = () => {
      throw new TypeError('it cannot be written down');
    };
    run();
    expect(ends).toEqual(['internal']);
    expect(worker).toMatchObject({ life: { state: 'READY' }, hasRoom: true });
  });

  it('takes a request that its child cancels of its own accord for lost', () => {
    const { run, child, ends, worker } = readyWorker();
    run();
    child().fail(report('job_cancelled'));
    expect(ends).toEqual(['worker_lost']);
    expect(worker.snapshot().consecutiveFailures).toBe(1);
  });
});

describe('SpeechWorker, a caller that gives up', () => {
  it('tells its child, and waits for it to stop', () => {
    const { worker, run, child, clock, ends } = readyWorker(2);
    const job = run('given up');
    run('wanted');
    if (job === undefined) throw new Error('refused');
    job.end({ error: new Error('given up') as never });
    worker.cancel(job);
    expect(child().cancelled).toEqual(['req-1-1']);
    clock.advance(999);
    child().fail(report('job_cancelled'), 'req-1-1');
    child().answer('req-2-1');
    clock.advance(5_000);
    expect(ends).toEqual(['job_cancelled', 'wanted']);
    expect(child().kills).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends a child that goes on for a second', () => {
    const { worker, run, child, clock, ends } = readyWorker();
    const job = run();
    job?.end({ error: new Error('given up') as never });
    if (job !== undefined) worker.cancel(job);
    clock.advance(1_000);
    expect(child().kills).toBe(1);
    expect(ends).toEqual(['worker_lost']);
    // It was ended for the caller, so its place is not to wait.
    expect(worker.childJobs).toBe(1);
  });
});

describe('SpeechWorker, its health', () => {
  it('three checks without an answer end it', () => {
    const { worker, child, clock } = readyWorker();
    child().isAwake = false;
    for (const kills of [0, 0, 0, 1]) {
      worker.checkHealth();
      expect(child().kills).toBe(kills);
      clock.advance(5_000);
    }
    expect(child().pings).toBe(3);
    expect(worker.life.state).toBe('TERMINATED');
  });

  it('goes on as long as every third is answered', () => {
    const { worker, child } = readyWorker();
    child().isAwake = false;
    for (let check = 1; check <= 30; check += 1) {
      worker.checkHealth();
      if (check % 3 === 0) child().pulse();
    }
    expect(worker.life.state).toBe('READY');
    expect(child().kills).toBe(0);
  });

  it('asks neither a child that knows no ping nor one that starts or leaves', () => {
    const { worker, child, start, run } = openWorkerHarness();
    worker.checkHealth();
    start();
    worker.checkHealth();
    child().ready();
    child().answersPings = false;
    for (let check = 0; check < 9; check += 1) worker.checkHealth();
    child().answersPings = true;
    run();
    worker.leave('recycled');
    worker.checkHealth();
    expect(child()).toMatchObject({ pings: 0, kills: 0 });
  });

  it('is in a snapshot', () => {
    const { worker, run, child, clock } = readyWorker();
    child().pulse({ rssBytes: 5 });
    run();
    clock.advance(100);
    child().answer();
    expect(worker.snapshot()).toEqual({
      id: 'worker-1',
      state: 'READY',
      pid: 1,
      protocol: '2.1.0',
      model: 'm',
      inFlight: 0,
      jobsDone: 1,
      restarts: 0,
      consecutiveFailures: 0,
      successRate: 1,
      averageResponseMs: 100,
      healthScore: 100,
      rssBytes: 5,
      breaker: 'CLOSED',
      lastFailure: undefined,
      lastSuccessAtMs: clock.now(),
      retryAtMs: undefined,
      sinceMs: clock.now(),
    });
    child().end();
    expect(worker.snapshot()).toMatchObject({ state: 'TERMINATED', healthScore: 0 });
  });
});

const failTimes = (harness: WorkerHarness, code: 'model_failed' | 'voice_not_found', times: number): void => {
  for (let turn = 0; turn < times; turn += 1) {
    harness.run();
    harness.child().fail(report(code));
  }
};

describe('SpeechWorker, its circuit breaker', () => {
  it('circuit breaker: opens at half of its calls, asks again after 60 s, one trial at a time', () => {
    const harness = readyWorker(2);
    const { worker, run, child, clock } = harness;
    for (const _turn of [1, 2]) {
      run();
      child().answer();
    }
    failTimes(harness, 'model_failed', 1);
    expect(worker.breaker.status().state).toBe('CLOSED');
    failTimes(harness, 'model_failed', 2);
    expect(worker.breaker.status().state).toBe('OPEN');
    expect(worker.hasRoom).toBe(false);
    expect(run()).toBeUndefined();
    clock.advance(59_999);
    expect(worker.hasRoom).toBe(false);
    clock.advance(1);
    expect(worker.hasRoom).toBe(true);
    for (const state of ['HALF_OPEN', 'CLOSED']) {
      run();
      expect(worker.hasRoom).toBe(false);
      child().answer();
      expect(worker.breaker.status().state).toBe(state);
    }
    run();
    expect(worker.hasRoom).toBe(true);
  });

  it('is not opened by requests that were wrong', () => {
    const harness = readyWorker();
    failTimes(harness, 'voice_not_found', 50);
    expect(harness.worker.breaker.status().state).toBe('CLOSED');
    expect(harness.worker.snapshot()).toMatchObject({ successRate: 1, consecutiveFailures: 0, jobsDone: 50 });
  });

  it('gives the trial back when its caller gave up', () => {
    const harness = readyWorker();
    const { worker, run, child, clock } = harness;
    failTimes(harness, 'model_failed', 5);
    clock.advance(60_000);
    const job = run();
    job?.end({ error: new Error('given up') as never });
    if (job !== undefined) worker.cancel(job);
    child().fail(report('job_cancelled'));
    expect(worker.breaker.status().state).toBe('HALF_OPEN');
    expect(worker.hasRoom).toBe(true);
    expect(worker.snapshot().jobsDone).toBe(5);
    expect(run()).toBeDefined();
  });

  it('opens again when the trial fails, and when its child is lost with it', () => {
    const harness = readyWorker();
    const { worker, run, child, clock } = harness;
    failTimes(harness, 'model_failed', 5);
    clock.advance(60_000);
    run();
    child().end();
    expect(worker.breaker.status().state).toBe('OPEN');
    expect(worker.refusedUntilMs).toBe(clock.now() + 60_000);
  });

  it('has no room while it is shut by hand', () => {
    const { worker, clock } = readyWorker();
    worker.breaker.isolate();
    clock.advance(1e9);
    expect(worker.hasRoom).toBe(false);
    expect(worker.admit()).toBeUndefined();
    worker.breaker.reset();
    expect(worker.hasRoom).toBe(true);
  });
});
