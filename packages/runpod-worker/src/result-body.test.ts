import { describe, expect, it } from 'vitest';
import {
  bodyOfReturned,
  bodyOfThrown,
  encodeResult,
  errorOfChunk,
  refusedForSize,
  wordsOfThrownInStream,
} from './result-body.ts';

const context = { hostname: 'h', workerId: 'w', traceback: false };

describe('bodyOfReturned', () => {
  it.each([
    [{ ok: 1 }, '{"output":{"ok":1}}'],
    ['text', '{"output":"text"}'],
    [[1], '{"output":[1]}'],
    [true, '{"output":true}'],
    [null, '{"output":null}'],
    [undefined, '{"output":null}'],
    ['', '{"output":""}'],
    [0, '{"output":0}'],
    [false, '{"output":false}'],
    [[], '{"output":[]}'],
    [{}, '{}'],
    [
      { error: 'e1', detail: 'x', refresh_worker: true },
      '{"output":{"detail":"x"},"error":"e1","stopPod":true}',
    ],
    [{ error: 'e1' }, '{"error":"e1"}'],
    [{ refresh_worker: true }, '{"stopPod":true}'],
    [{ error: { code: 1 } }, '{"error":"{\\"code\\":1}"}'],
    [{ error: 7 }, '{"error":"7"}'],
    [{ error: new Error('words') }, '{"error":"words"}'],
    [{ error: '', a: 1 }, '{"output":{"a":1}}'],
    [{ error: null, a: 1 }, '{"output":{"a":1}}'],
    [{ error: {}, a: 1 }, '{"output":{"a":1}}'],
    [{ error: [], a: 1 }, '{"output":{"a":1}}'],
    [{ error: 0, refresh_worker: 0, a: 1 }, '{"output":{"a":1}}'],
    [{ output: { error: 'inside' } }, '{"output":{"output":{"error":"inside"}}}'],
    [new Date(0), '{"output":"1970-01-01T00:00:00.000Z"}'],
  ])('%j', (returned, body) => {
    expect(JSON.stringify(bodyOfReturned(returned))).toBe(body);
  });

  it('leaves what the handler holds alone', () => {
    const held = { error: 'e', a: 1 };
    bodyOfReturned(held);
    expect(held).toEqual({ error: 'e', a: 1 });
  });
});

const read = (error: unknown, traceback = false): Record<string, string> =>
  JSON.parse(bodyOfThrown(error, { ...context, traceback }).error ?? '');

describe('what was thrown', () => {
  it('is a document inside a string, with the fields of the reference', () => {
    expect(read(new TypeError('no'))).toEqual({
      error_type: 'TypeError',
      error_message: 'no',
      error_traceback: '',
      hostname: 'h',
      worker_id: 'w',
      runpod_version: '1.12.0',
    });
  });

  it('has the stack when that was asked for', () => {
    expect(read(new Error('no'), true)['error_traceback']).toContain('result-body.test.ts');
    expect(wordsOfThrownInStream(new Error('no'), false)).toBe('handler: no');
    expect(wordsOfThrownInStream(new Error('no'), true)).toMatch(/^handler: no \ntraceback: Error: no\n/);
  });

  it.each([['text'], [undefined], [{ a: 1n }], [Symbol('s')]])('may be anything: %s', (error) => {
    expect(typeof read(error)['error_message']).toBe('string');
  });
});

describe('errorOfChunk', () => {
  it.each([
    [{ error: 'e' }, 'e'],
    [{ error: { code: 1 } }, '{"code":1}'],
    [{ error: '' }, undefined],
    [{ a: 1 }, undefined],
    ['error', undefined],
  ])('%j', (chunk, words) => {
    expect(errorOfChunk(chunk)).toBe(words);
  });
});

describe('encodeResult', () => {
  it('answers what is too large, in bytes, with an error that says so', () => {
    const fits = { output: 'é'.repeat(100) };
    expect(encodeResult(fits, 213)).toBe(JSON.stringify(fits));
    expect(JSON.parse(encodeResult({ ...fits, stopPod: true }, 212))).toEqual({
      error: expect.stringMatching(/^The result is too large: .* Upload it to storage/),
      stopPod: true,
    });
    expect(refusedForSize(11 * 2 ** 20).error).toContain('11.0 MiB');
  });

  it.each([[{ a: 1n }], [cyclic()], [{ toJSON: () => broken() }]])(
    'answers what cannot be written as JSON',
    (output) => {
      expect(JSON.parse(encodeResult({ output }, 1_000)).error).toMatch(
        /^The result cannot be written as JSON: /,
      );
    },
  );

  it('writes letters as they are, and half characters so that they can be read', () => {
    expect(encodeResult({ output: 'hé\u{1f30a}' }, 1_000)).toBe('{"output":"hé\u{1f30a}"}');
    expect(encodeResult({ output: '\ud800' }, 1_000)).toBe('{"output":"\\ud800"}');
  });
});

function cyclic(): object {
  const round: { self?: object } = {};
  round.self = round;
  return round;
}

function broken(): never {
  throw new Error('broken');
}
