import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  KeyedRateLimiter,
  type RateLimitOptions,
  type RateLimiter,
  createRateLimiter,
} from './rate-limit.ts';
import { createFakeClock } from './testing.ts';

const limit = { kind: 'sliding-window', permits: 2, windowMs: 100 } as const;

describe('KeyedRateLimiter', () => {
  it('limits each key as if it were alone', () => {
    const command = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 60 }));
    fc.assert(
      fc.property(fc.array(command, { maxLength: 100 }), (commands) => {
        const clock = createFakeClock();
        const keyed = new KeyedRateLimiter({ limit, maxKeys: 4 }, clock);
        const alone = new Map<string, RateLimiter>();
        for (const [key, waitMs] of commands) {
          clock.advance(waitMs);
          const own = alone.get(key) ?? createRateLimiter(limit, clock);
          alone.set(key, own);
          expect(keyed.tryTake(key)).toEqual(own.tryTake());
        }
      }),
    );
  });

  it('forgets idle keys as new ones come', () => {
    const clock = createFakeClock();
    const keyed = new KeyedRateLimiter({ limit }, clock);
    for (let key = 0; key < 1_000; key += 1) keyed.tryTake(`old-${key}`);
    expect(keyed.size).toBe(1_000);
    clock.advance(100);
    for (let key = 0; key < 1_000; key += 1) {
      keyed.tryTake(`new-${key}`);
      clock.advance(10);
    }
    expect(keyed.size).toBeLessThan(20);
  });

  it('never remembers more keys than it may, and drops the one unused for longest', () => {
    const clock = createFakeClock();
    const keyed = new KeyedRateLimiter({ limit, maxKeys: 3 }, clock);
    for (const key of ['a', 'a', 'b', 'b', 'c', 'c']) keyed.tryTake(key);
    expect(keyed.tryTake('a').taken).toBe(false);
    keyed.tryTake('d');
    expect(keyed.size).toBe(3);
    expect(['a', 'c'].map((key) => keyed.tryTake(key).taken)).toEqual([false, false]);
    expect(keyed.tryTake('b').taken).toBe(true);
  });

  it('refuses options out of range when it is made, not when a key comes', () => {
    expect(() => new KeyedRateLimiter({ limit, maxKeys: 0 })).toThrow('maxKeys');
    expect(() => new KeyedRateLimiter({ limit: { ...limit, windowMs: 0 } })).toThrow('windowMs');
  });
});

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
