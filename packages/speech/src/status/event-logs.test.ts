import { TalebackError } from '@taleback/core';
import { CircuitBreaker, guarded } from '@taleback/resilience';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { breakerChanged } from '../pool/breaker-report.ts';
import { logEvents } from './event-logs.ts';

const setup = () => {
  const clock = createFakeClock(1_000_000);
  const breaker = new CircuitBreaker(guarded.breaker, { clock });
  const lines: [severity: string, message: string, fields: object | undefined][] = [];
  const record = logEvents((severity, message, fields) => lines.push([severity, message, fields]));
  breaker.onChange((change) => record(breakerChanged(breaker, 'kokoro', change)));
  const call = (isSuccess: boolean): void => {
    const permit = breaker.tryAdmit();
    if (!permit.admitted) return;
    if (isSuccess) breaker.recordSuccess(permit);
    else breaker.recordFailure(permit, new TalebackError('provider_unavailable', 'It answered 500.'));
  };
  const words = () => lines.map(([severity, message]) => `${severity}: ${message}`);
  return { clock, breaker, lines, words, call, record };
};

describe('logEvents', () => {
  it('seeds 002, 003: says that a breaker opened after 5 failures, is tried after 300 s, and closes', () => {
    const { clock, lines, words, call } = setup();
    for (let failure = 0; failure < 4; failure += 1) call(false);
    expect(lines).toEqual([]);
    call(false);
    clock.advance(299_999);
    call(true);
    expect(lines).toHaveLength(1);
    clock.advance(1);
    call(true);
    call(true);
    expect(words()).toEqual([
      'error: CIRCUIT BREAKER kokoro: circuit breaker opened: too many failures',
      'warn: CIRCUIT BREAKER kokoro: testing whether it is back',
      'warn: CIRCUIT BREAKER kokoro: Circuit closed, service is working',
    ]);
    expect(lines[0]?.[2]).toEqual({
      breaker: 'kokoro',
      from: 'closed',
      to: 'open',
      cause: 'too-many-failures',
      consecutiveFailures: 5,
      lastFailure: { code: 'provider_unavailable', message: 'It answered 500.', atMs: 1_000_000 },
      retryAtMs: 1_300_000,
    });
  });

  it('says at error that a trial failed, and what was done by hand', () => {
    const { clock, breaker, words, call } = setup();
    for (let failure = 0; failure < 5; failure += 1) call(false);
    clock.advance(300_000);
    call(false);
    breaker.isolate();
    breaker.reset();
    expect(words().slice(2)).toEqual([
      'error: CIRCUIT BREAKER kokoro: circuit breaker opened again: the trial failed',
      'error: CIRCUIT BREAKER kokoro: isolated by hand',
      'warn: CIRCUIT BREAKER kokoro: Circuit closed by hand',
    ]);
  });

  it('says at warn what was rejected, and which attempt failed', () => {
    const { record, lines, words } = setup();
    record({ kind: 'breaker-rejected', engine: 'kokoro', retryAfterMs: 9_000 });
    record({ kind: 'retried', engine: 'kokoro', code: 'provider_unavailable', attempt: 2 });
    record({ kind: 'refused', code: 'system_protection' });
    record({ kind: 'refused', code: 'queue_full' });
    expect(words()).toEqual([
      'warn: CIRCUIT BREAKER kokoro: OPEN, request rejected',
      'warn: an attempt failed, another follows',
      'warn: SYSTEM PROTECTION: request rejected',
    ]);
    expect(lines[1]?.[2]).toEqual({ engine: 'kokoro', code: 'provider_unavailable', failedAttempt: 1 });
  });
});
