import { describe, expect, it } from 'vitest';
import { DeadlineExceededError } from './deadline.ts';
import { isResilienceError } from './resilience-error.ts';

describe('isResilienceError', () => {
  it('knows its own by brand, whatever copy of the package made them', () => {
    const error = new DeadlineExceededError(10);
    const foreign = Object.assign(new Error('x'), { brand: 'taleback.resilience' });
    expect(isResilienceError(error)).toBe(true);
    expect(isResilienceError(foreign)).toBe(true);
    expect(error).toMatchObject({
      name: 'DeadlineExceededError',
      code: 'deadline-exceeded',
      category: 'timeout',
      retryable: true,
      details: { timeoutMs: 10 },
    });
  });

  it.each([undefined, null, 'error', new Error('x'), { brand: 'taleback.resilience' }])(
    'refuses %s',
    (value) => {
      expect(isResilienceError(value)).toBe(false);
    },
  );
});
