import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../breaker/index.ts';
import { createFakeClock } from '../testing/index.ts';
import { worker } from './worker-profile.ts';

function workerBreaker() {
  const clock = createFakeClock();
  const breaker = new CircuitBreaker(worker.breaker, { clock });
  const call = (failed: boolean): void => {
    const admission = breaker.tryAdmit();
    if (!admission.admitted) throw new Error(`refused: ${admission.reason}`);
    if (failed) breaker.recordFailure(admission);
    else breaker.recordSuccess(admission);
  };
  return { clock, breaker, call };
}

describe('breaker, worker', () => {
  it('opens at 50 % failures of a sliding window, and waits 60 s (seed 004)', () => {
    const { breaker, call, clock } = workerBreaker();
    for (let pair = 0; pair < 10; pair += 1) call(false);
    for (let failure = 0; failure < 9; failure += 1) call(true);
    expect(breaker.status().state).toBe('CLOSED');
    call(true);
    expect(breaker.status()).toMatchObject({ state: 'OPEN', retryAfterMs: 60_000 });
    clock.advance(60_000);
    expect(breaker.status().state).toBe('HALF_OPEN');
  });

  it('says nothing before its minimum of calls (seed 004)', () => {
    const { breaker, call } = workerBreaker();
    for (let failure = 0; failure < 4; failure += 1) call(true);
    expect(breaker.status().state).toBe('CLOSED');
    call(true);
    expect(breaker.status().state).toBe('OPEN');
  });

  it('is isolated from the breakers of other workers (seed 004)', () => {
    const failing = workerBreaker();
    const healthy = workerBreaker();
    for (let failure = 0; failure < 5; failure += 1) failing.call(true);
    expect([failing.breaker.status().state, healthy.breaker.status().state]).toEqual(['OPEN', 'CLOSED']);
  });

  it('10 s for a request (seed 004)', () => {
    expect(worker.timeoutMs).toBe(10_000);
  });
});
