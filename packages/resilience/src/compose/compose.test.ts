import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import { Bulkhead } from '../bulkhead/bulkhead.ts';
import { compose } from './compose.ts';
import type { Policies } from './compose.ts';
import { KeyedRateLimiter, createRateLimiter } from '../rate-limit.ts';
import { createFakeClock } from '../testing.ts';

const down = new Error('down');
const never = (): Promise<never> => new Promise(() => {});
const failing = (): Promise<never> => Promise.reject(down);

const RETRY = {
  maxAttempts: 4,
  backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 4_000, jitter: 'none' },
} as const;

function setup(overrides: Policies = {}) {
  const clock = createFakeClock();
  const breaker = new CircuitBreaker(
    { strategy: { kind: 'consecutive', failures: 3 }, cooldownMs: 60_000 },
    { clock },
  );
  const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueued: 1 });
  const policies: Policies = {
    bulkhead,
    breaker,
    retry: RETRY,
    classify: () => ({ retryable: true }),
    timeoutMs: 5_000,
    clock,
    ...overrides,
  };
  return { clock, breaker, bulkhead, composed: compose(policies) };
}

describe('compose', () => {
  it('gives the value and the number of attempts', async () => {
    const { clock, composed } = setup();
    const running = composed.run(async ({ attempt }) => (attempt < 3 ? failing() : attempt));
    await clock.advanceAsync(3_000);
    await expect(running).resolves.toEqual({ kind: 'succeeded', value: 3, attempts: 3 });
  });

  it('passes calls through when it has no policies', async () => {
    const { run } = compose({});
    await expect(run(async ({ attempt }) => attempt)).resolves.toMatchObject({ value: 1, attempts: 1 });
    await expect(run(failing)).resolves.toMatchObject({ kind: 'not-retryable', lastError: down });
  });

  it('counts a request with all its attempts as one call, when it should', async () => {
    const { clock, composed, breaker } = setup({ breakerCounts: 'requests' });
    const play = async (call: () => Promise<unknown>) => {
      const running = composed.run(call);
      await clock.advanceAsync(7_000);
      return running;
    };
    for (const failures of [1, 2, 3]) {
      expect(await play(failing)).toMatchObject({ kind: 'exhausted', attempts: 4 });
      expect(breaker.status().consecutiveFailures).toBe(failures);
    }
    expect(await play(failing)).toMatchObject({ kind: 'rejected', by: 'breaker', attempts: 0 });
    await clock.advanceAsync(60_000);
    const stop = new AbortController();
    const given = composed.run(never, { signal: stop.signal });
    stop.abort();
    expect(await given).toMatchObject({ kind: 'aborted' });
    expect(await play(async () => 'audio')).toMatchObject({ kind: 'succeeded' });
    expect(await play(async () => 'audio')).toMatchObject({ kind: 'succeeded' });
    expect(breaker.status().state).toBe('CLOSED');
  });

  it('ends the retries when the breaker opens between them', async () => {
    const { clock, composed, breaker } = setup();
    const running = composed.run(failing);
    await clock.advanceAsync(7_000);
    expect(await running).toEqual({
      kind: 'rejected',
      by: 'breaker',
      reason: 'open',
      retryAfterMs: 56_000,
      attempts: 3,
      lastError: down,
    });
    expect(breaker.status().state).toBe('OPEN');
  });

  it('counts a call that hangs as a failure to the breaker and another attempt to the retry', async () => {
    const { clock, composed, breaker } = setup();
    const reasons: unknown[] = [];
    const running = composed.run(({ attempt, signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return attempt === 1 ? never() : Promise.resolve('second');
    });
    await clock.advanceAsync(5_000);
    expect(breaker.status().consecutiveFailures).toBe(1);
    await clock.advanceAsync(1_000);
    await expect(running).resolves.toMatchObject({ value: 'second', attempts: 2 });
    expect(reasons).toMatchObject([{ code: 'deadline-exceeded', timeoutMs: 5_000 }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts a call once, though it fails again after its time was up', async () => {
    const { clock, composed, breaker } = setup({ retry: undefined });
    const late: { reject?: (error: unknown) => void } = {};
    const running = composed.run(() => new Promise<never>((_, reject) => (late.reject = reject)));
    await clock.advanceAsync(5_000);
    late.reject?.(down);
    await clock.settle();
    await expect(running).resolves.toMatchObject({ lastError: { code: 'deadline-exceeded' } });
    expect(breaker.status().consecutiveFailures).toBe(1);
  });

  it("takes the request's own timeout before the policies'", async () => {
    const { clock, composed, breaker } = setup();
    const running = composed.run(never, { timeoutMs: 9_000 });
    await clock.advanceAsync(8_999);
    expect(breaker.status().consecutiveFailures).toBe(0);
    await clock.advanceAsync(1);
    expect(breaker.status().consecutiveFailures).toBe(1);
    expect(running).toBeInstanceOf(Promise);
  });

  it('gives all attempts of a request one budget, which cuts the last of them short', async () => {
    const { clock, composed, breaker } = setup({ retry: { ...RETRY, budgetMs: 60_000 }, breaker: undefined });
    const gaveMs: number[] = [];
    const running = composed.run(
      ({ signal }) => {
        const sentAtMs = clock.now();
        signal.addEventListener('abort', () => gaveMs.push(clock.now() - sentAtMs));
        return never();
      },
      { timeoutMs: (attempt) => 15_000 * 2 ** (attempt - 1), budgetMs: 50_000 },
    );
    await clock.advanceAsync(50_000);
    await expect(running).resolves.toMatchObject({ kind: 'deadline', attempts: 3 });
    expect(gaveMs).toEqual([15_000, 30_000, 2_000]);
    expect([clock.pendingTimers, breaker.status().consecutiveFailures]).toEqual([0, 0]);
  });

  it('holds its slot through the waits between attempts', async () => {
    const { clock, composed, bulkhead } = setup();
    const first = composed.run(({ attempt }) => (attempt === 1 ? failing() : Promise.resolve(1)));
    const second = composed.run(async () => 2);
    await expect(composed.run(async () => 3)).resolves.toMatchObject({
      kind: 'rejected',
      by: 'bulkhead',
      reason: 'queue-full',
      attempts: 0,
    });
    await clock.advanceAsync(999);
    expect(bulkhead.status()).toMatchObject({ running: 1, queued: { normal: 1 } });
    await clock.advanceAsync(1);
    await expect(first).resolves.toMatchObject({ value: 1 });
    await expect(second).resolves.toMatchObject({ value: 2 });
  });

  it('counts attempts against the rate limit, and gives back a trial that finds no token', async () => {
    const clock = createFakeClock();
    const rateLimit = createRateLimiter({ kind: 'sliding-window', permits: 3, windowMs: 60_000 }, clock);
    const { clock: own, composed, breaker } = setup({ rateLimit });
    const running = composed.run(failing);
    await own.advanceAsync(7_000);
    await running;
    await own.advanceAsync(60_000);
    expect(breaker.status().state).toBe('HALF_OPEN');
    for (let call = 0; call < 2; call += 1) {
      await expect(composed.run(async () => 1)).resolves.toMatchObject({
        kind: 'rejected',
        by: 'rate-limit',
        retryAfterMs: 60_000,
        attempts: 0,
      });
    }
    clock.advance(60_000);
    await expect(composed.run(async () => 1)).resolves.toMatchObject({ kind: 'succeeded' });
  });

  it('uses up no tokens while the breaker is open', async () => {
    const { breaker, composed } = setup({
      rateLimit: { tryTake: () => expect.unreachable(), isIdle: () => true },
    });
    breaker.isolate();
    await expect(composed.run(failing)).resolves.toMatchObject({ by: 'breaker', reason: 'isolated' });
  });

  it.each([1, 2])('frees its slot when a rate limit of the caller breaks in attempt %s', async (attempt) => {
    let tries = 0;
    const rateLimit = {
      tryTake: () => {
        tries += 1;
        if (tries === attempt) throw new Error('broken limit');
        return { taken: true } as const;
      },
      isIdle: () => true,
    };
    const { clock, composed } = setup({ rateLimit });
    const broken = composed.run(failing).catch((error: unknown) => error);
    await clock.advanceAsync(1_000);
    expect(await broken).toMatchObject({ message: 'broken limit' });
    await expect(composed.run(async () => 1)).resolves.toMatchObject({ kind: 'succeeded' });
  });

  it('turns away a tenant over its limit, and no other', async () => {
    const limit = { kind: 'token-bucket', permits: 1, perMs: 1_000 } as const;
    const { composed } = setup({ tenantLimit: new KeyedRateLimiter({ limit }, createFakeClock()) });
    await composed.run(async () => 1, { tenant: 'a' });
    await expect(composed.run(() => expect.unreachable(), { tenant: 'a' })).resolves.toMatchObject({
      kind: 'rejected',
      by: 'tenant-limit',
      retryAfterMs: 1_000,
    });
    await expect(composed.run(async () => 2, { tenant: 'b' })).resolves.toMatchObject({ value: 2 });
  });

  it('refuses options out of range, by name', () => {
    expect(() => setup({ timeoutMs: 0 })).toThrow('timeoutMs');
    expect(() => setup().composed.run(never, { timeoutMs: Number.NaN })).toThrow('timeoutMs');
    const backoff = { kind: 'schedule', delaysMs: [1], jitter: 'none' } as const;
    expect(() => setup({ retry: { maxAttempts: 0, backoff } })).toThrow('maxAttempts');
  });
});

describe('one signal', () => {
  it('ends a call in the queue', async () => {
    const { composed } = setup();
    const controller = new AbortController();
    const blocking = new AbortController();
    const first = composed.run(never, { signal: blocking.signal });
    const second = composed.run(() => expect.unreachable(), { signal: controller.signal });
    controller.abort('enough');
    await expect(second).resolves.toMatchObject({ kind: 'aborted', attempts: 0, lastError: 'enough' });
    blocking.abort();
    await first;
  });

  it('ends a call in an attempt that ignores it, says nothing to the breaker and frees the slot', async () => {
    const { clock, composed, breaker, bulkhead } = setup();
    const controller = new AbortController();
    const seen: { signal?: AbortSignal } = {};
    const running = composed.run(
      ({ signal }) => {
        seen.signal = signal;
        return never();
      },
      { signal: controller.signal },
    );
    await clock.settle();
    controller.abort('enough');
    await expect(running).resolves.toMatchObject({ kind: 'aborted', attempts: 1, lastError: 'enough' });
    expect(seen.signal?.reason).toBe('enough');
    expect(breaker.status().consecutiveFailures).toBe(0);
    expect(bulkhead.status().running).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends a call in the wait between attempts', async () => {
    const { clock, composed } = setup();
    const controller = new AbortController();
    const running = composed.run(failing, { signal: controller.signal });
    await clock.advanceAsync(500);
    controller.abort('enough');
    await expect(running).resolves.toMatchObject({ kind: 'aborted', attempts: 1 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('hands back the trial of a caller that gave up', async () => {
    const { clock, composed, breaker } = setup();
    const opening = composed.run(failing);
    await clock.advanceAsync(63_000);
    await opening;
    const controller = new AbortController();
    const trial = composed.run(never, { signal: controller.signal });
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'trial-running' });
    controller.abort();
    await trial;
    expect(breaker.tryAdmit().admitted).toBe(true);
  });
});

describe('execute', () => {
  it('gives the value, or throws what the outcome stands for', async () => {
    const { composed, breaker, bulkhead } = setup({ retry: undefined });
    await expect(composed.execute(async () => 7)).resolves.toBe(7);
    await expect(composed.execute(failing)).rejects.toBe(down);
    await expect(composed.execute(failing, { signal: AbortSignal.abort('early') })).rejects.toBe('early');
    breaker.isolate();
    await expect(composed.execute(failing)).rejects.toMatchObject({
      code: 'breaker-refused',
      reason: 'isolated',
    });
    await bulkhead.close();
    await expect(composed.execute(failing)).rejects.toMatchObject({
      code: 'bulkhead-refused',
      reason: 'closed',
    });
  });

  it('throws when a limit turns it away', async () => {
    const limit = { kind: 'token-bucket', permits: 1, perMs: 1_000 } as const;
    const clock = createFakeClock();
    const rateLimit = createRateLimiter(limit, clock);
    rateLimit.tryTake();
    const { composed } = setup({ rateLimit });
    const expected = { code: 'rate-limited', retryAfterMs: 1_000, retryable: true };
    await expect(composed.execute(failing)).rejects.toMatchObject(expected);
  });
});
