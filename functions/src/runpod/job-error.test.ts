import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJobError } from './job-error.ts';

const traceback =
  'Traceback (most recent call last):\n  File "/app/handler.py", line 7, in run\nValueError: boom';
const raised = {
  error_type: "<class 'ValueError'>",
  error_message: 'boom',
  error_traceback: traceback,
  hostname: 'pod7-host',
  worker_id: 'pod7',
  runpod_version: '1.12.0',
};

describe('readJobError', () => {
  it.each([
    ['words', 'Voice profile not found', { error: 'Voice profile not found' }],
    [
      'the JSON document in a string of a handler that raised',
      JSON.stringify(raised),
      { error: 'boom', details: traceback, errorType: "<class 'ValueError'>" },
    ],
    [
      'the same as an object',
      raised,
      { error: 'boom', details: traceback, errorType: "<class 'ValueError'>" },
    ],
    [
      "a generator's",
      `handler: boom \ntraceback: ${traceback}`,
      { error: 'handler: boom', details: `traceback: ${traceback}` },
    ],
    ['a bare traceback, by its last line', traceback, { error: 'ValueError: boom', details: traceback }],
    ['an object of the handler', { code: 7, message: 'no voice' }, { error: 'no voice', errorType: '7' }],
    [
      'a message with a traceback of its own',
      { message: `boom\n${traceback}` },
      { error: 'boom', details: traceback },
    ],
    ['JSON that is no document', '{"broken', { error: '{"broken' }],
    ['nothing', undefined, {}],
    ['null', null, {}],
    ['an empty text', '  ', {}],
    ['a list', ['boom'], {}],
    ['an object without words', { a: 1 }, {}],
    ['a lone half of a character', 'a\ud800', { error: 'a\ufffd' }],
  ])('reads %s', (_what, value, expected) => {
    expect(readJobError(value)).toEqual({
      error: undefined,
      details: undefined,
      errorType: undefined,
      ...expected,
    });
  });

  it('keeps the end of a long traceback, where the cause stands', () => {
    const long = `Traceback (most recent call last):\n${'  File "x"\n'.repeat(10_000)}ValueError: the cause`;
    const { error, details } = readJobError({ ...raised, error_traceback: long });
    expect(error).toBe('boom');
    expect(details?.length).toBeLessThanOrEqual(2_000);
    expect(details).toMatch(/the cause$/);
  });

  it('survives anything, with a short sentence that holds no traceback', () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.string().map((words) => `${words}\n${traceback}`),
      fc.record({ error_message: fc.anything(), error_traceback: fc.anything(), error_type: fc.anything() }),
    );
    fc.assert(
      fc.property(hostile, (value) => {
        const { error = '', details = '' } = readJobError(value);
        expect(error.length).toBeLessThanOrEqual(1_000);
        expect(details.length).toBeLessThanOrEqual(2_000);
        expect(error).not.toContain('Traceback (most recent call last)');
      }),
    );
  });

  it('takes no time over hostile words', () => {
    // Quadratic time would be minutes, past the test's timeout.
    for (const words of [
      `a${' \n'.repeat(500_000)}x`,
      `{${'['.repeat(1_000_000)}`,
      'traceback'.repeat(200_000),
    ])
      expect(readJobError(words)).toBeTypeOf('object');
  });
});
