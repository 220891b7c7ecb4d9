import { CircuitBreaker, guarded } from '@taleback/resilience';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { logBreakerChanges } from './protection-logs.ts';

const setup = () => {
  const clock = createFakeClock();
  const breaker = new CircuitBreaker(guarded.breaker, { clock });
  const lines: unknown[] = [];
  breaker.onChange(logBreakerChanges((...line) => lines.push(line), 'kokoro'));
  const call = (isSuccess: boolean): void => {
    const permit = breaker.tryAdmit();
    if (!permit.admitted) return;
    if (isSuccess) breaker.recordSuccess(permit);
    else breaker.recordFailure(permit);
  };
  return { clock, breaker, lines, call };
};

describe('logBreakerChanges', () => {
  it('seed 003: says CIRCUIT BREAKER at error after 5 failures, and at warn on the way back after 300 s', () => {
    const { clock, lines, call } = setup();
    for (let failure = 0; failure < 4; failure += 1) call(false);
    expect(lines).toEqual([]);
    call(false);
    clock.advance(299_999);
    call(true);
    expect(lines).toHaveLength(1);
    clock.advance(1);
    call(true);
    call(true);
    expect(lines).toEqual([
      [
        'error',
        'CIRCUIT BREAKER kokoro opened: too many failures',
        { breaker: 'kokoro', from: 'closed', to: 'open', cause: 'too-many-failures', cooldownMs: 300_000 },
      ],
      [
        'warn',
        'CIRCUIT BREAKER kokoro is half-open: cool down over',
        { breaker: 'kokoro', from: 'open', to: 'half-open', cause: 'cool-down-over', cooldownMs: 300_000 },
      ],
      [
        'warn',
        'CIRCUIT BREAKER kokoro closed: trials succeeded',
        { breaker: 'kokoro', from: 'half-open', to: 'closed', cause: 'trials-succeeded' },
      ],
    ]);
  });

  it('says at error that a trial failed, and what was done by hand', () => {
    const { clock, breaker, lines, call } = setup();
    for (let failure = 0; failure < 5; failure += 1) call(false);
    clock.advance(300_000);
    call(false);
    breaker.isolate();
    breaker.reset();
    expect(lines.slice(2)).toMatchObject([
      ['error', 'CIRCUIT BREAKER kokoro opened: trial failed', { from: 'half-open', to: 'open' }],
      [
        'error',
        'CIRCUIT BREAKER kokoro is shut: isolated by hand',
        { to: 'isolated', cause: 'isolated-by-hand' },
      ],
      ['warn', 'CIRCUIT BREAKER kokoro closed: reset by hand', { from: 'isolated', to: 'closed' }],
    ]);
  });
});
