import { describe, expect, it } from 'vitest';
import { backoffDelayMs, backoffSchedule } from './backoff.ts';
import { CircuitBreaker } from './breaker/circuit-breaker.ts';
import { compose } from './compose/compose.ts';
import { AdaptiveTimeout } from './adaptive-timeout.ts';
import {
  createPolicies,
  edge,
  elevenlabs,
  guarded,
  kokoro,
  numbersOf,
  type ResilienceProfile,
  withNumbers,
  worker,
} from './profiles.ts';
import { classifyHttpStatus } from './classification.ts';
import { createFakeClock } from './testing.ts';

class HttpError extends Error {
  readonly status: number;
  readonly retryAfter: string | undefined;

  constructor(status: number, retryAfter?: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The profile at work: `random` 1 takes the longest delay that jitter allows, so that times are plain. */
function service(profile: ResilienceProfile, random = 1) {
  const clock = createFakeClock();
  const policies = createPolicies(profile, {
    classify: (error) => {
      const { status, retryAfter } = error as HttpError;
      return status === undefined ? { retryable: true } : classifyHttpStatus(status, retryAfter, clock.now());
    },
    clock,
    random: () => random,
  });
  const beganMs: number[] = [];
  const answering = (error?: unknown) => async (): Promise<string> => {
    beganMs.push(clock.now());
    if (error !== undefined) throw error;
    return 'audio';
  };
  const { bulkhead, breaker } = policies;
  if (bulkhead === undefined || breaker === undefined) throw new Error('the profile lacks a part');
  return { clock, beganMs, answering, bulkhead, breaker, ...compose(policies) };
}

const HOUR_MS = 3_600_000;

/** Runs one call to its end. */
async function play(profile: ResilienceProfile, error: unknown, random = 1) {
  const { run, clock, beganMs, answering } = service(profile, random);
  const running = run(answering(error));
  await clock.advanceAsync(HOUR_MS);
  return { outcome: await running, beganMs };
}

describe('provider calls', () => {
  it('kokoro: 3 retries after 1, 2, 4 s', async () => {
    const { outcome, beganMs } = await play(kokoro, new HttpError(503));
    expect(beganMs).toEqual([0, 1_000, 3_000, 7_000]);
    expect(outcome).toMatchObject({ kind: 'exhausted', attempts: 4 });
    expect(backoffSchedule(kokoro.retry.backoff, 3)).toEqual([1_000, 2_000, 4_000]);
  });

  it('kokoro: jitter spreads each delay, down to its half', async () => {
    const { beganMs } = await play(kokoro, new HttpError(503), 0);
    expect(beganMs).toEqual([0, 500, 1_500, 3_500]);
  });

  it('elevenlabs: 2 retries from 1 s on', async () => {
    const { outcome, beganMs } = await play(elevenlabs, new HttpError(500));
    expect(beganMs).toEqual([0, 1_000, 3_000]);
    expect(outcome).toMatchObject({ kind: 'exhausted', attempts: 3 });
  });

  it.each([400, 404, 401, 403, 409, 422])('never on %i', async (status) => {
    const { outcome } = await play(kokoro, new HttpError(status));
    expect(outcome).toMatchObject({ kind: 'not-retryable', attempts: 1 });
  });

  it('Retry-After is obeyed', async () => {
    const { beganMs } = await play(kokoro, new HttpError(429, '7'));
    expect(beganMs).toEqual([0, 7_000, 14_000, 21_000]);
  });
});

describe('guarded profile', () => {
  it('2 attempts, 4 to 16 s apart', async () => {
    const { outcome, beganMs } = await play(guarded, new HttpError(503));
    expect(beganMs).toEqual([0, 4_000]);
    expect(outcome).toMatchObject({ kind: 'exhausted', attempts: 2 });
    expect(backoffSchedule(guarded.retry.backoff, 4)).toEqual([4_000, 8_000, 16_000, 16_000]);
    expect(backoffDelayMs(guarded.retry.backoff, 9, () => 0)).toBe(4_000);
  });

  it('15 s timeout', async () => {
    const { run, clock, breaker } = service(guarded);
    const running = run(() => new Promise<never>(() => {}));
    await clock.advanceAsync(14_999);
    expect(breaker.status().consecutiveFailures).toBe(0);
    await clock.advanceAsync(1);
    expect(breaker.status().consecutiveFailures).toBe(1);
    await clock.advanceAsync(HOUR_MS);
    await expect(running).resolves.toMatchObject({
      lastError: { code: 'deadline-exceeded', timeoutMs: 15_000 },
    });
  });

  it('10 requests a minute, in any minute', async () => {
    const { run, clock, answering } = service(guarded);
    for (let call = 0; call < 10; call += 1) {
      await expect(run(answering())).resolves.toMatchObject({ kind: 'succeeded' });
      clock.advance(1_000);
    }
    const refused = { kind: 'rejected', by: 'rate-limit', retryAfterMs: 50_000 };
    await expect(run(answering())).resolves.toMatchObject(refused);
    clock.advance(49_999);
    await expect(run(answering())).resolves.toMatchObject({ kind: 'rejected' });
    clock.advance(1);
    await expect(run(answering())).resolves.toMatchObject({ kind: 'succeeded' });
  });
});

describe('concurrency', () => {
  it.each<[string, ResilienceProfile, number]>([
    ['kokoro: 3 (seed 000)', kokoro, 3],
    ['elevenlabs: 3 (seed 000)', elevenlabs, 3],
    ['edge: 3 (seed 000)', edge, 3],
    ['guarded: 2 (seed 003, MAX_CONCURRENT_JOBS)', guarded, 2],
  ])('%s, a bounded queue behind', async (_, profile, cap) => {
    const { run, bulkhead, clock } = service(profile);
    const controllers = Array.from({ length: 110 }, () => new AbortController());
    const calls = controllers.map(({ signal }) => run(() => new Promise<never>(() => {}), { signal }));
    await clock.settle();
    expect(bulkhead.status()).toMatchObject({ running: cap, queued: { normal: 100 } });
    for (const controller of controllers) controller.abort();
    const kinds = (await Promise.all(calls)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'rejected')).toHaveLength(10 - cap);
  });

  it('priorities, and fair turns between tenants', async () => {
    const { run, clock } = service(kokoro);
    const order: string[] = [];
    const call = (priority: 'high' | 'normal', tenant: string) =>
      run(
        async () => {
          order.push(`${priority} ${tenant}`);
          await new Promise<void>((resolve) => clock.setTimer(resolve, 1_000));
        },
        { priority, tenant },
      );
    const calls = [
      ...['x', 'x', 'x', 'a', 'a', 'b'].map((tenant) => call('normal', tenant)),
      call('high', 'a'),
    ];
    await clock.advanceAsync(10_000);
    await Promise.all(calls);
    expect(order.slice(3)).toEqual(['high a', 'normal a', 'normal b', 'normal a']);
  });
});

describe('timeout', () => {
  it.each<[string, ResilienceProfile]>([
    ['kokoro', kokoro],
    ['elevenlabs', elevenlabs],
    ['edge', edge],
  ])('%s: 60 s', async (_, profile) => {
    const { run, clock } = service(profile);
    const controller = new AbortController();
    const given: AbortSignal[] = [];
    const hanging = ({ signal }: { readonly signal: AbortSignal }): Promise<never> => {
      given.push(signal);
      return new Promise<never>(() => {});
    };
    const running = run(hanging, { signal: controller.signal });
    await clock.advanceAsync(59_999);
    expect(given[0]?.aborted).toBe(false);
    await clock.advanceAsync(1);
    expect(given[0]?.aborted).toBe(true);
    controller.abort();
    await running;
  });

  it('adaptive with text length and observed latency', () => {
    const timeout = new AdaptiveTimeout();
    expect(timeout.timeoutMs(5_000)).toBe(kokoro.timeoutMs);
    for (let call = 0; call < 20; call += 1) timeout.observe(1_000, 8_000);
    expect(timeout.timeoutMs(2_000)).toBe(32_000);
    expect(timeout.timeoutMs(5_000)).toBe(80_000);
  });
});

describe('breaker, provider', () => {
  it.each<[string, ResilienceProfile, number, number]>([
    ['kokoro: 60 s, 2 successes (seed 000)', kokoro, 60_000, 2],
    ['elevenlabs: 60 s, 2 successes (seed 000)', elevenlabs, 60_000, 2],
    ['edge: 300 s, 1 success, twice as long after a failed trial (seed 002)', edge, 300_000, 1],
    ['guarded: 300 s (seed 003), 2 successes (seed 000)', guarded, 300_000, 2],
  ])('opens after 5 consecutive failures; %s', (_, profile, cooldownMs, successes) => {
    const { name } = profile;
    const { breaker, clock } = service(profile);
    const call = (failed: boolean): void => {
      const admission = breaker.tryAdmit();
      if (!admission.admitted) throw new Error(`refused: ${admission.reason}`);
      if (failed) breaker.recordFailure(admission);
      else breaker.recordSuccess(admission);
    };
    for (let failure = 0; failure < 4; failure += 1) call(true);
    expect(breaker.status().state).toBe('CLOSED');
    call(true);
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'open', retryAfterMs: cooldownMs });
    clock.advance(cooldownMs - 1);
    expect(breaker.status().state).toBe('OPEN');
    clock.advance(1);
    expect(breaker.status().state).toBe('HALF_OPEN');
    call(true);
    const nextMs = name === 'edge' ? 600_000 : cooldownMs;
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'open', retryAfterMs: nextMs });
    clock.advance(nextMs);
    for (let trial = 1; trial < successes; trial += 1) {
      call(false);
      expect(breaker.status().state).toBe('HALF_OPEN');
    }
    call(false);
    expect(breaker.status().state).toBe('CLOSED');
  });

  it('edge: after quick recoveries the cool-down halves, down to 60 s (seed 002, future enhancements)', () => {
    const { breaker, clock } = service(edge);
    const cooldowns = Array.from({ length: 4 }, () => {
      for (let failure = 0; failure < 5; failure += 1) {
        const permit = breaker.tryAdmit();
        if (permit.admitted) breaker.recordFailure(permit);
      }
      const { retryAfterMs } = breaker.status();
      clock.advance(retryAfterMs ?? 0);
      const trial = breaker.tryAdmit();
      if (trial.admitted) breaker.recordSuccess(trial);
      clock.advance(HOUR_MS);
      return retryAfterMs;
    });
    expect(cooldowns).toEqual([300_000, 150_000, 75_000, 60_000]);
  });

  it('manual reset', () => {
    const { breaker } = service(edge);
    for (let failure = 0; failure < 5; failure += 1) {
      const admission = breaker.tryAdmit();
      if (admission.admitted) breaker.recordFailure(admission);
    }
    breaker.reset();
    expect(breaker.tryAdmit().admitted).toBe(true);
  });

  it('status in the form of get_tts_service_health', () => {
    const { breaker, clock } = service(edge);
    const initial = { state: 'CLOSED', circuitOpen: false, halfOpen: false, consecutiveFailures: 0 };
    expect(breaker.status()).toMatchObject({ ...initial, lastFailure: null, lastSuccess: null });
    const admission = breaker.tryAdmit();
    if (admission.admitted) breaker.recordSuccess(admission);
    clock.advance(1_000);
    for (let failure = 0; failure < 5; failure += 1) {
      const permit = breaker.tryAdmit();
      if (permit.admitted) breaker.recordFailure(permit);
    }
    expect(breaker.status()).toEqual({
      state: 'OPEN',
      circuitOpen: true,
      halfOpen: false,
      isolated: false,
      consecutiveFailures: 5,
      lastFailure: new Date(1_000),
      lastSuccess: new Date(0),
      retryAfterMs: 300_000,
    });
  });
});

describe('half-open', () => {
  it('exactly one trial at a time', async () => {
    const { run, clock, breaker, answering } = service(edge);
    // Five requests, not five attempts: seed 002 counts "on failure (after all retries)".
    for (let failure = 0; failure < 5; failure += 1) {
      expect(breaker.status().state).toBe('CLOSED');
      const running = run(answering(new HttpError(503)));
      await clock.advanceAsync(60_000);
      await running;
    }
    expect(breaker.status().state).toBe('OPEN');
    await clock.advanceAsync(HOUR_MS);
    expect(breaker.status().state).toBe('HALF_OPEN');
    const controller = new AbortController();
    const trial = run(() => new Promise<never>(() => {}), { signal: controller.signal });
    const refused = { kind: 'rejected', by: 'breaker', reason: 'trial-running' };
    await expect(run(answering())).resolves.toMatchObject(refused);
    await expect(run(answering())).resolves.toMatchObject(refused);
    controller.abort();
    await trial;
    await expect(run(answering())).resolves.toMatchObject({ kind: 'succeeded' });
    expect(breaker.status().state).toBe('CLOSED');
  });
});

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
  it('opens at 50 % failures of a sliding window, and waits 60 s', () => {
    const { breaker, call, clock } = workerBreaker();
    for (let pair = 0; pair < 10; pair += 1) call(false);
    for (let failure = 0; failure < 9; failure += 1) call(true);
    expect(breaker.status().state).toBe('CLOSED');
    call(true);
    expect(breaker.status()).toMatchObject({ state: 'OPEN', retryAfterMs: 60_000 });
    clock.advance(60_000);
    expect(breaker.status().state).toBe('HALF_OPEN');
  });

  it('says nothing before its minimum of calls', () => {
    const { breaker, call } = workerBreaker();
    for (let failure = 0; failure < 4; failure += 1) call(true);
    expect(breaker.status().state).toBe('CLOSED');
    call(true);
    expect(breaker.status().state).toBe('OPEN');
  });

  it('is isolated from the breakers of other workers', () => {
    const failing = workerBreaker();
    const healthy = workerBreaker();
    for (let failure = 0; failure < 5; failure += 1) failing.call(true);
    expect([failing.breaker.status().state, healthy.breaker.status().state]).toEqual(['OPEN', 'CLOSED']);
  });

  it('forgets what came before the last 20 calls', () => {
    const { breaker, call } = workerBreaker();
    for (let success = 0; success < 30; success += 1) call(false);
    for (let failure = 0; failure < 9; failure += 1) call(true);
    expect(breaker.status().state).toBe('CLOSED');
    call(true);
    expect(breaker.status().state).toBe('OPEN');
  });

  it('10 s for a request', () => {
    expect(worker.timeoutMs).toBe(10_000);
  });
});

describe('the numbers of a profile', () => {
  const bare: ResilienceProfile = {
    name: 'bare',
    timeoutMs: 1_000,
    breaker: { strategy: { kind: 'consecutive', failures: 1 }, cooldownMs: 1_000 },
  };

  it('are those in force where it leaves them out', () => {
    expect(numbersOf(bare)).toMatchObject({ retries: 0, requestsPerMinute: 0, successes: 2 });
  });

  it('have the longest wait, which the retries of the provider profiles do not reach', () => {
    for (const profile of [kokoro, elevenlabs, edge]) expect(numbersOf(profile).backoffMostMs).toBe(4_000);
  });

  it('change one by one', () => {
    const { retry, rateLimit } = withNumbers(bare, { retries: 1, requestsPerMinute: 1 });
    expect(retry?.backoff).toMatchObject({ initialMs: 1_000, minMs: 0, maxMs: 4_000 });
    expect(rateLimit).toEqual({ kind: 'sliding-window', permits: 1, windowMs: 60_000 });
    expect(withNumbers(guarded, { requestsPerMinute: 0 }).rateLimit).toBeUndefined();
    expect(withNumbers(guarded, { backoffFirstMs: 1_000 }).retry?.backoff).toMatchObject({ minMs: 1_000 });
  });
});
