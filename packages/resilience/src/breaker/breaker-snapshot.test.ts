import { describe, expect, it } from 'vitest';
import { type BreakerOptions, type BreakerSnapshot, parseBreakerSnapshot } from './breaker-state.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { createFakeClock } from '../testing.ts';

const OPTIONS: BreakerOptions = {
  strategy: { kind: 'count-window', size: 10, failureRatio: 1, minimumCalls: 3 },
  cooldownMs: 1_000,
};

function failing(times: number, nowMs = 5_000) {
  const clock = createFakeClock(nowMs);
  const breaker = new CircuitBreaker(OPTIONS, { clock });
  for (let call = 0; call < times; call += 1) {
    const admission = breaker.tryAdmit();
    if (admission.admitted) breaker.recordFailure(admission);
  }
  return { clock, breaker };
}

function restart(breaker: CircuitBreaker, nowMs: number) {
  const snapshot = parseBreakerSnapshot(JSON.parse(JSON.stringify(breaker.snapshot())));
  if (snapshot === undefined) throw new Error('not a snapshot');
  const clock = createFakeClock(nowMs);
  return { clock, snapshot, breaker: new CircuitBreaker(OPTIONS, { clock, snapshot }) };
}

describe('a restarted breaker', () => {
  it('is still open, and for as long as it would have been', () => {
    const { breaker } = restart(failing(3).breaker, 5_400);
    expect(breaker.tryAdmit()).toEqual({ admitted: false, reason: 'open', retryAfterMs: 600 });
    expect(breaker.status()).toMatchObject({ consecutiveFailures: 3, lastFailure: new Date(5_000) });
  });

  it('still knows its window', () => {
    const { breaker } = restart(failing(2).breaker, 5_400);
    expect(breaker.status().state).toBe('CLOSED');
    const admission = breaker.tryAdmit();
    if (admission.admitted) breaker.recordFailure(admission);
    expect(breaker.status().state).toBe('OPEN');
  });

  it('knows no trial of the process before it', () => {
    const before = failing(3);
    before.clock.advance(1_000);
    expect(before.breaker.tryAdmit().admitted).toBe(true);
    const { breaker } = restart(before.breaker, 6_100);
    expect(breaker.status().state).toBe('HALF_OPEN');
    expect(breaker.tryAdmit().admitted).toBe(true);
  });

  it('waits no longer than its cool-down when the clock was set back', () => {
    const { breaker } = restart(failing(3).breaker, 100);
    expect(breaker.tryAdmit()).toMatchObject({ retryAfterMs: 1_000 });
  });

  it('stays isolated', () => {
    const { breaker } = failing(0);
    breaker.isolate();
    expect(restart(breaker, 9_000).breaker.status().state).toBe('ISOLATED');
  });

  it('starts an empty window when its strategy is another one now', () => {
    const { snapshot, clock } = restart(failing(2).breaker, 5_400);
    const strategy = { kind: 'time-window', windowMs: 1_000, failureRatio: 1, minimumCalls: 3 } as const;
    const breaker = new CircuitBreaker({ ...OPTIONS, strategy }, { clock, snapshot });
    expect(breaker.snapshot().strategy.window).toEqual([]);
  });
});

describe('parseBreakerSnapshot', () => {
  const good: BreakerSnapshot = failing(3).breaker.snapshot();

  it('takes what snapshot made, in every state', () => {
    const { breaker, clock } = failing(0);
    expect(parseBreakerSnapshot(breaker.snapshot())).toBeDefined();
    breaker.isolate();
    expect(parseBreakerSnapshot(breaker.snapshot())).toBeDefined();
    const half = failing(3);
    half.clock.advance(1_000);
    half.breaker.tryAdmit();
    expect(parseBreakerSnapshot(half.breaker.snapshot())).toBeDefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['another version', { ...good, version: 2 }],
    ['an unknown state', { ...good, state: { kind: 'ajar', sinceMs: 1 } }],
    ['an open state without its end', { ...good, state: { ...good.state, retryAtMs: undefined } }],
    ['a text for a number', { ...good, consecutiveFailures: '3' }],
    ['a number that is none', { ...good, lastFailureMs: Number.NaN }],
    ['no window', { ...good, strategy: { kind: 'count-window' } }],
    ['a window of texts', { ...good, strategy: { kind: 'count-window', window: ['1'] } }],
  ])('refuses %s', (_, value) => {
    expect(parseBreakerSnapshot(value)).toBeUndefined();
  });
});
