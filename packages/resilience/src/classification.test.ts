import { describe, expect, it } from 'vitest';
import { classifyHttpStatus, parseRetryAfter } from './classification.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

describe('classifyHttpStatus', () => {
  it.each([408, 425, 429, 500, 502, 503, 504, 599])('takes %i for transient', (status) => {
    expect(classifyHttpStatus(status).retryable).toBe(true);
  });

  it.each([200, 304, 400, 401, 403, 404, 409, 410, 413, 422, 451, 501, 505, 600])(
    'never retries %i, Retry-After or not (no retry on client errors)',
    (status) => {
      expect(classifyHttpStatus(status, '5')).toEqual({ retryable: false, retryAfterMs: undefined });
    },
  );

  it('passes Retry-After on', () => {
    expect(classifyHttpStatus(429, '5')).toEqual({ retryable: true, retryAfterMs: 5_000 });
    expect(classifyHttpStatus(503, null)).toEqual({ retryable: true, retryAfterMs: undefined });
  });
});

describe('parseRetryAfter', () => {
  it.each<[string | null | undefined, number | undefined]>([
    ['0', 0],
    [' 120 ', 120_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['Wednesday, 31 Dec 2025 23:59:00 GMT', 0],
    ['Everywednesday, 31 Dec 2025 23:59:00 GMT', undefined],
    ['9999999999999999999', undefined],
  ])('reads %j as %j', (header, expected) => {
    expect(parseRetryAfter(header, NOW_MS)).toBe(expected);
  });
});
