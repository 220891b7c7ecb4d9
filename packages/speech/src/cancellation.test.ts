import { TalebackError } from '@taleback/core';
import { expect, test } from 'vitest';
import { cancellationOf, throwIfCancelled } from './cancellation.ts';

test('keeps an error of ours', () => {
  const reason = new TalebackError('system_protection', 'Too hot.');
  expect(cancellationOf(AbortSignal.abort(reason))).toBe(reason);
});

test.each([
  [new DOMException('late', 'TimeoutError'), 'timed_out'],
  [new DOMException('stop', 'AbortError'), 'job_cancelled'],
  ['because', 'job_cancelled'],
])('makes %s a %s', (reason, code) => {
  expect(cancellationOf(AbortSignal.abort(reason))).toMatchObject({ code, cause: reason });
});

test('throwIfCancelled lets the living pass', () => {
  expect(() => throwIfCancelled(undefined)).not.toThrow();
  expect(() => throwIfCancelled(new AbortController().signal)).not.toThrow();
  expect(() => throwIfCancelled(AbortSignal.abort())).toThrow(
    expect.objectContaining({ code: 'job_cancelled' }),
  );
});
