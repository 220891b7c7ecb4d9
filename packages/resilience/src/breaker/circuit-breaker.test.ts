import { describe, expect, it } from 'vitest';
import type { BreakerOptions, BreakerChange, Permit } from './breaker-state.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { type FakeClock, createFakeClock } from '../testing.ts';

const OPTIONS: BreakerOptions = { strategy: { kind: 'consecutive', failures: 3 }, cooldownMs: 1_000 };

function setup(overrides: Partial<BreakerOptions> = {}) {
  const clock = createFakeClock(10_000);
  const breaker = new CircuitBreaker({ ...OPTIONS, ...overrides }, { clock });
  return { clock, breaker };
}

function admit(breaker: CircuitBreaker): Permit {
  const admission = breaker.tryAdmit();
  if (!admission.admitted) throw new Error(`refused: ${admission.reason}`);
  return admission;
}

const fail = (breaker: CircuitBreaker): void => breaker.recordFailure(admit(breaker));
const succeed = (breaker: CircuitBreaker): void => breaker.recordSuccess(admit(breaker));

function open(breaker: CircuitBreaker): void {
  for (let failure = 0; failure < 3; failure += 1) fail(breaker);
}

function openAndCool(breaker: CircuitBreaker, clock: FakeClock): void {
  open(breaker);
  clock.advance(1_000);
}

const throwing = (): Promise<never> => {
  throw new Error('at once');
};
const cooldownOf = (breaker: CircuitBreaker): number | null => breaker.status().retryAfterMs;

/** Closes, then stays closed for long enough not to relapse. */
function recover(breaker: CircuitBreaker, clock: FakeClock): void {
  succeed(breaker);
  succeed(breaker);
  clock.advance(10_000);
}

describe('CircuitBreaker', () => {
  it('opens at the threshold, and a success in between starts the count again', () => {
    const { breaker } = setup();
    fail(breaker);
    fail(breaker);
    succeed(breaker);
    fail(breaker);
    fail(breaker);
    expect(breaker.status().state).toBe('CLOSED');
    fail(breaker);
    expect(breaker.tryAdmit()).toEqual({ admitted: false, reason: 'open', retryAfterMs: 1_000 });
  });

  it('refuses until the very end of the cool-down, telling how long is left', () => {
    const { breaker, clock } = setup();
    open(breaker);
    clock.advance(999);
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'open', retryAfterMs: 1 });
    clock.advance(1);
    expect(breaker.status()).toMatchObject({ state: 'HALF_OPEN', halfOpen: true, circuitOpen: false });
    expect(breaker.tryAdmit().admitted).toBe(true);
  });

  it('admits exactly one trial at a time', () => {
    const { breaker, clock } = setup();
    openAndCool(breaker, clock);
    const trial = admit(breaker);
    expect(breaker.tryAdmit()).toMatchObject({ admitted: false, reason: 'trial-running' });
    breaker.recordSuccess(trial);
    const second = admit(breaker);
    expect(breaker.tryAdmit()).toMatchObject({ admitted: false, reason: 'trial-running' });
    breaker.recordSuccess(second);
    expect(breaker.status().state).toBe('CLOSED');
  });

  it('opens again at one failed trial, whatever succeeded before', () => {
    const { breaker, clock } = setup();
    openAndCool(breaker, clock);
    succeed(breaker);
    fail(breaker);
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'open', retryAfterMs: 1_000 });
  });

  it('does not let a trial whose permit is never handed back wedge it', () => {
    const { breaker, clock } = setup({ trialExpiryMs: 5_000 });
    openAndCool(breaker, clock);
    const lost = admit(breaker);
    clock.advance(4_999);
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'trial-running', retryAfterMs: 1 });
    clock.advance(1);
    const next = admit(breaker);
    breaker.recordFailure(lost);
    expect(breaker.status().state).toBe('HALF_OPEN');
    breaker.recordSuccess(next);
    succeed(breaker);
    expect(breaker.status().state).toBe('CLOSED');
  });

  it('makes room for another trial when one is released', () => {
    const { breaker, clock } = setup();
    openAndCool(breaker, clock);
    breaker.release(admit(breaker));
    expect(breaker.tryAdmit().admitted).toBe(true);
  });

  it('ignores results of calls that were admitted before a change', () => {
    const { breaker, clock } = setup();
    const early = [admit(breaker), admit(breaker), admit(breaker)] as const;
    openAndCool(breaker, clock);
    const trial = admit(breaker);
    breaker.recordFailure(early[0]);
    breaker.recordSuccess(early[1]);
    breaker.release(early[2]);
    expect(breaker.status()).toMatchObject({ state: 'HALF_OPEN', consecutiveFailures: 3 });
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'trial-running' });
    breaker.recordSuccess(trial);
    breaker.recordSuccess(trial);
    expect(breaker.status().state).toBe('HALF_OPEN');
  });

  it('counts only errors that speak against the service, and hands such a trial back', () => {
    const { breaker, clock } = setup({ isFailure: (error) => error !== 'bad request' });
    for (let call = 0; call < 10; call += 1) breaker.recordFailure(admit(breaker), 'bad request');
    expect(breaker.status()).toMatchObject({ state: 'CLOSED', consecutiveFailures: 0 });
    openAndCool(breaker, clock);
    breaker.recordFailure(admit(breaker), 'bad request');
    expect(breaker.status().state).toBe('HALF_OPEN');
    expect(breaker.tryAdmit().admitted).toBe(true);
  });

  it('is shut by hand until reset by hand', () => {
    const { breaker, clock } = setup();
    const running = admit(breaker);
    breaker.isolate();
    breaker.recordSuccess(running);
    clock.advance(1e9);
    expect(breaker.tryAdmit()).toEqual({ admitted: false, reason: 'isolated', retryAfterMs: undefined });
    expect(breaker.status()).toMatchObject({ state: 'ISOLATED', circuitOpen: true, isolated: true });
    breaker.reset();
    expect(breaker.tryAdmit().admitted).toBe(true);
  });

  it('is as new after a reset', () => {
    const { breaker } = setup();
    succeed(breaker);
    open(breaker);
    breaker.reset();
    expect(breaker.lastError).toBeUndefined();
    fail(breaker);
    fail(breaker);
    expect(breaker.status()).toMatchObject({ state: 'CLOSED', consecutiveFailures: 2, lastSuccess: null });
  });

  it('tells listeners of every change, once, in order, until they leave', () => {
    const { breaker, clock } = setup({ halfOpenSuccesses: 1 });
    const changes: string[] = [];
    const record = ({ from, to, cause, atMs }: BreakerChange): void => {
      changes.push(`${atMs} ${from.kind} > ${to.kind}: ${cause}`);
    };
    const leave = breaker.onChange(record);
    openAndCool(breaker, clock);
    fail(breaker);
    clock.advance(1_000);
    succeed(breaker);
    breaker.isolate();
    breaker.reset();
    // It is closed already.
    breaker.reset();
    leave();
    open(breaker);
    expect(changes).toEqual([
      '10000 closed > open: too-many-failures',
      '11000 open > half-open: cool-down-over',
      '11000 half-open > open: trial-failed',
      '12000 open > half-open: cool-down-over',
      '12000 half-open > closed: trials-succeeded',
      '12000 closed > isolated: isolated-by-hand',
      '12000 isolated > closed: reset-by-hand',
    ]);
  });

  it('asks again when a listener changes the state under its hands', () => {
    const { breaker, clock } = setup();
    openAndCool(breaker, clock);
    breaker.onChange(({ to }) => {
      if (to.kind === 'half-open') breaker.isolate();
    });
    expect(breaker.tryAdmit()).toMatchObject({ reason: 'isolated' });
  });

  it('sets no timer', () => {
    const { breaker, clock } = setup();
    openAndCool(breaker, clock);
    admit(breaker);
    expect(clock.pendingTimers).toBe(0);
  });

  it('shares one permit among all calls of a closed period', () => {
    const { breaker } = setup();
    expect(admit(breaker)).toBe(admit(breaker));
  });

  it.each<[string, Partial<BreakerOptions>]>([
    ['cooldownMs', { cooldownMs: -1 }],
    ['halfOpenSuccesses', { halfOpenSuccesses: 0 }],
    ['trialExpiryMs', { trialExpiryMs: 0 }],
    ['strategy.failures', { strategy: { kind: 'consecutive', failures: 0 } }],
    ['adaptive.minMs', { adaptive: { minMs: 1_001, maxMs: 2_000 } }],
    ['adaptive.maxMs', { adaptive: { minMs: 1, maxMs: 999 } }],
  ])('refuses %s out of range', (field, overrides) => {
    expect(() => setup(overrides)).toThrow(field);
  });
});

describe('execute', () => {
  it("gives the operation's own promise and counts how it ends", async () => {
    const { breaker } = setup();
    const promise = Promise.resolve(7);
    expect(breaker.execute(() => promise)).toBe(promise);
    for (let call = 0; call < 3; call += 1) {
      await expect(breaker.execute(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
    }
    await expect(breaker.execute(() => expect.unreachable())).rejects.toMatchObject({
      code: 'breaker-refused',
      reason: 'open',
      retryAfterMs: 1_000,
    });
  });

  it('counts an operation that throws at once', async () => {
    const { breaker } = setup();
    await expect(breaker.execute(throwing)).rejects.toThrow('at once');
    expect(breaker.status().consecutiveFailures).toBe(1);
  });

  it('closes after its trials', async () => {
    const { breaker, clock } = setup();
    openAndCool(breaker, clock);
    await breaker.execute(async () => 1);
    await breaker.execute(async () => 1);
    expect(breaker.status()).toMatchObject({ state: 'CLOSED', lastSuccess: new Date(11_000) });
  });
});

describe('adaptive cool-down', () => {
  const adaptive = { minMs: 300, maxMs: 4_000 };
  it('grows with every failed trial, up to its bound', () => {
    const { breaker, clock } = setup({ adaptive });
    open(breaker);
    const seen = Array.from({ length: 4 }, () => {
      const cooldownMs = cooldownOf(breaker) ?? 0;
      clock.advance(cooldownMs);
      fail(breaker);
      return cooldownMs;
    });
    expect([...seen, cooldownOf(breaker)]).toEqual([1_000, 2_000, 4_000, 4_000, 4_000]);
  });

  it('shrinks with every quick recovery, down to its bound, and is itself again after a slow one', () => {
    const { breaker, clock } = setup({ adaptive });
    const seen: (number | null)[] = [];
    for (let outage = 0; outage < 4; outage += 1) {
      open(breaker);
      seen.push(cooldownOf(breaker));
      clock.advance(cooldownOf(breaker) ?? 0);
      if (outage === 3) {
        fail(breaker);
        clock.advance(600);
      }
      recover(breaker, clock);
    }
    open(breaker);
    expect([...seen, cooldownOf(breaker)]).toEqual([1_000, 500, 300, 300, 1_000]);
  });

  it('takes a relapse for the same outage', () => {
    const { breaker, clock } = setup({ adaptive });
    openAndCool(breaker, clock);
    succeed(breaker);
    succeed(breaker);
    clock.advance(999);
    open(breaker);
    expect(cooldownOf(breaker)).toBe(2_000);
  });
});
