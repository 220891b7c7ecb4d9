import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../testing/index.ts';
import { createRateLimiter } from './create-rate-limiter.ts';
import type { RateLimitOptions } from './rate-limiter.ts';

const permits = fc.integer({ min: 1, max: 12 });
const options: fc.Arbitrary<RateLimitOptions> = fc.oneof(
  fc.record({
    kind: fc.constant('sliding-window' as const),
    permits,
    windowMs: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({
    kind: fc.constant('token-bucket' as const),
    permits,
    perMs: fc.integer({ min: 1, max: 200 }),
    burst: fc.integer({ min: 1, max: 12 }),
  }),
);

/** How many calls a window of `lengthMs` may see, by the law of each kind. */
function bound(limit: RateLimitOptions, lengthMs: number): number {
  if (limit.kind === 'token-bucket') return (limit.burst ?? 0) + (lengthMs * limit.permits) / limit.perMs;
  return limit.permits * (Math.floor(lengthMs / limit.windowMs) + 1);
}

describe('every rate limiter', () => {
  it('never passes its bound in any window, and is not stricter than it says', () => {
    fc.assert(
      fc.property(options, fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 120 }), (limit, waits) => {
        const clock = createFakeClock(1_700_000_000_000);
        const limiter = createRateLimiter(limit, clock);
        const taken: number[] = [];
        for (const waitMs of waits) {
          clock.advance(waitMs);
          const result = limiter.tryTake();
          clock.advance(result.taken ? 0 : result.retryAfterMs);
          expect(result.taken || limiter.tryTake().taken).toBe(true);
          taken.push(clock.now());
        }
        for (const [first, fromMs] of taken.entries()) {
          for (const [offset, toMs] of taken.slice(first).entries()) {
            expect(offset + 1).toBeLessThanOrEqual(bound(limit, toMs - fromMs) + 1e-6);
          }
        }
      }),
    );
  });

  it('tells the soonest moment a call fits', () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 0, max: 10 }), (limit, spacingMs) => {
        const clock = createFakeClock();
        const limiter = createRateLimiter(limit, clock);
        let result = limiter.tryTake();
        for (let call = 0; call < 100 && result.taken; call += 1) {
          clock.advance(spacingMs);
          result = limiter.tryTake();
        }
        const retryAfterMs = result.taken ? 0 : result.retryAfterMs;
        fc.pre(retryAfterMs > 0);
        clock.advance(retryAfterMs - 1);
        expect(limiter.tryTake().taken).toBe(false);
        clock.advance(1);
        expect(limiter.tryTake().taken).toBe(true);
      }),
    );
  });

  it('is idle when it stands as a new one would', () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 20 }), (limit, calls) => {
        const clock = createFakeClock();
        const limiter = createRateLimiter(limit, clock);
        expect(limiter.isIdle()).toBe(true);
        for (let call = 0; call < calls; call += 1) limiter.tryTake();
        expect(limiter.isIdle()).toBe(false);
        clock.advance(10_000);
        expect(limiter.isIdle()).toBe(true);
      }),
    );
  });

  it.each<[string, RateLimitOptions]>([
    ['permits', { kind: 'token-bucket', permits: 0, perMs: 1 }],
    ['perMs', { kind: 'token-bucket', permits: 1, perMs: 0 }],
    ['burst', { kind: 'token-bucket', permits: 1, perMs: 1, burst: 0.5 }],
    ['permits', { kind: 'sliding-window', permits: 1.5, windowMs: 1 }],
    ['windowMs', { kind: 'sliding-window', permits: 1, windowMs: 0 }],
  ])('refuses %s out of range', (field, limit) => {
    expect(() => createRateLimiter(limit)).toThrow(field);
  });
});
