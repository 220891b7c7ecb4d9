import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../testing/index.ts';
import { createRateLimiter } from './create-rate-limiter.ts';
import { KeyedRateLimiter } from './keyed-rate-limiter.ts';
import type { RateLimiter } from './rate-limiter.ts';

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
