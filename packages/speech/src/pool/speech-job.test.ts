import { ERROR_CATALOGUE, type ErrorCode } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { parseManagerConfig } from './pool-config.ts';
import { retryDelayMs } from './speech-job.ts';
import { report } from '../../test/support/fake-child.ts';

const config = parseManagerConfig();
const decide = (code: ErrorCode, attempts = 1, retryAfterMs?: number, random = 0.5) =>
  retryDelayMs(report(code, true, retryAfterMs), { attempts, spentMs: 0 }, config, () => random);

const after = (spentMs: number, own = config) =>
  retryDelayMs(report('timed_out'), { attempts: 1, spentMs }, own, Math.random);

describe('retryDelayMs', () => {
  it.each(Object.entries(ERROR_CATALOGUE))('%s', (code, { category }) => {
    const later = category === 'input' || category === 'voice' ? undefined : 750;
    const expected = code === 'worker_lost' || code === 'timed_out' ? 0 : later;
    expect(decide(code as ErrorCode)).toBe(expected);
  });

  it('MAX_RETRIES 3, after 1, 2 and 4 s, of which chance takes up to half', () => {
    const delays = (random: number) =>
      [1, 2, 3].map((attempts) => decide('model_failed', attempts, 0, random));
    expect(delays(0)).toEqual([500, 1_000, 2_000]);
    expect(delays(1)).toEqual([1_000, 2_000, 4_000]);
    expect(decide('model_failed', 4)).toBeUndefined();
    expect(decide('worker_lost', 4)).toBeUndefined();
  });

  it('waits as long as it is asked to, up to the time that a worker is left alone', () => {
    expect(decide('provider_rate_limited', 1, 60_000)).toBe(60_000);
    expect(decide('provider_rate_limited', 1, 60_001)).toBeUndefined();
  });

  it('believes an error that is said to be final', () => {
    const first = { attempts: 1, spentMs: 0 };
    expect(retryDelayMs(report('model_failed', false), first, config, Math.random)).toBeUndefined();
  });

  it('seed 000: gives all attempts together 60 s, or one attempt of more', () => {
    const slow = parseManagerConfig({ circuitBreaker: { timeoutMs: 90_000 } });
    expect([after(59_999), after(60_000), after(89_999, slow), after(90_000, slow)]).toEqual([
      0,
      undefined,
      0,
      undefined,
    ]);
  });
});
