import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWav } from '../audio/wav.ts';
import { parseChildMessage } from './messages.ts';

const bytes = Uint8Array.of(1, 2);
const parse = (message: Record<string, unknown>, raw?: Uint8Array<ArrayBuffer>) =>
  parseChildMessage({ message, raw });
const response = (payload: unknown, raw?: Uint8Array<ArrayBuffer>) =>
  parse({ version: '2.1.0', type: 'response', payload, metadata: { correlationId: 'c' } }, raw);
const event = (payload: unknown) => parse({ version: '2.1.0', type: 'event', payload });
const errorOf = (message: unknown): unknown => (message as { error: unknown }).error;

const UNREADABLE = {
  kind: 'error',
  correlationId: 'c',
  error: {
    code: 'model_failed',
    message: 'The speech process answered with sound that cannot be read.',
    retryable: true,
  },
};

describe('hello', () => {
  const hello = { type: 'hello', version: '2.0.0', engine: 'e', concurrency: 3, models: ['a', 'b'], pid: 1 };

  it('is read whole', () => {
    const info = { version: '2.0.0', engine: 'e', concurrency: 3, models: ['a', 'b'] };
    expect(response(hello)).toEqual({ kind: 'hello', correlationId: 'c', info });
  });

  it('needs nothing but a version', () => {
    const info = { version: '1.0.0', engine: undefined, concurrency: 1, models: [] };
    const nulls = { engine: null, concurrency: null, models: null };
    expect(response({ type: 'hello', version: '1.0.0' })).toMatchObject({ info });
    expect(response({ type: 'hello', version: '1.0.0', ...nulls })).toMatchObject({ info });
  });

  it.each([
    [0, 1],
    [-3, 1],
    [1.5, 1],
    ['4', 1],
    [1e9, 64],
    [64, 64],
  ])('takes a concurrency of %j for %j', (concurrency, taken) => {
    expect(response({ ...hello, concurrency })).toMatchObject({ info: { concurrency: taken } });
  });

  it('passes over models that are no names', () => {
    expect(response({ ...hello, models: ['a', 1, null, '', {}] })).toMatchObject({ info: { models: ['a'] } });
    expect(response({ ...hello, models: 'a' })).toMatchObject({ info: { models: [] } });
  });

  it.each(['3.0.0', '2', 2.1, null, undefined, {}])('is a refusal when it chooses %j', (version) => {
    expect(response({ ...hello, version })).toMatchObject({ kind: 'error', correlationId: 'c' });
  });
});

/** An answer with this sound. */
const as = (sound: object) => ({ kind: 'audio', correlationId: 'c', sound });

describe('audio', () => {
  const pcm = { type: 'audio', encoding: 'pcm_s16le', sample_rate: 16_000 };
  const format = { encoding: 'pcm_s16le', sampleRateHz: 16_000 };
  const sound = { sampleRateHz: 16_000, samples: Int16Array.of(513) };

  it('comes raw, in a file or in the line', () => {
    const file = { kind: 'file', correlationId: 'c', path: '/a' };
    expect(response(pcm, bytes)).toEqual(as(sound));
    expect(response({ ...pcm, audio_base64: 'AQI=' })).toEqual(as(sound));
    expect(response({ ...pcm, output_path: '/a' })).toEqual({ ...file, ...format });
    expect(response({ type: 'audio', output_path: '/a', encoding: null, audio_base64: null })).toEqual({
      ...file,
      encoding: 'wav',
      sampleRateHz: undefined,
    });
    expect(response({ type: 'audio', encoding: 'wav', output_path: null }, formatWav(sound))).toEqual(
      as(sound),
    );
  });

  it.each([
    ['nothing', { type: 'audio' }],
    ['an unknown encoding', { ...pcm, encoding: 'mp3', output_path: '/a' }],
    ['no sound', pcm],
    ['a path that is none', { ...pcm, output_path: 3 }],
    ['base64 that is no text', { ...pcm, audio_base64: [1] }],
  ])('is an error for its caller when there is %s', (_, payload) => {
    expect(response(payload)).toEqual(UNREADABLE);
  });

  it('is an error when raw bytes come without an encoding', () => {
    expect(response({ type: 'audio', output_path: '/a' }, bytes)).toEqual(UNREADABLE);
  });

  it.each(['16000', -1, null, Number.NaN])('has no rate when it is %j', (rate) => {
    const error = { ...UNREADABLE.error, details: 'no sample rate' };
    expect(response({ ...pcm, sample_rate: rate }, bytes)).toEqual({ ...UNREADABLE, error });
    expect(response({ ...pcm, sample_rate: rate, output_path: '/a' })).toMatchObject({
      sampleRateHz: undefined,
    });
  });
});

describe('error', () => {
  it('keeps a code of the catalogue, and what was said of it', () => {
    const error = { code: 'voice_not_found', message: 'm', details: 'd', retryable: true };
    expect(response({ type: 'error', ...error })).toEqual({ kind: 'error', correlationId: 'c', error });
  });

  it.each([
    ['E_OOM', 'CUDA out of memory', 'gpu_out_of_memory'],
    [null, 'no such voice', 'voice_not_found'],
    [undefined, 'no space left on device', 'disk_full'],
    [42, 'hm', 'unknown'],
    ['__proto__', 'hm', 'unknown'],
  ])('classifies a code of %j by its words: %s is %s', (code, message, known) => {
    expect(errorOf(response({ type: 'error', code, message }))).toMatchObject({ code: known, message });
  });

  it('classifies it by its details when its message is empty', () => {
    const payload = { type: 'error', message: 'failed', details: 'CUDA out of memory' };
    expect(errorOf(response(payload))).toMatchObject({ code: 'gpu_out_of_memory' });
  });

  it.each([null, undefined, '', 7, {}])('is an error without a reason when that is %j', (message) => {
    const error = { code: 'unknown', message: 'The speech process gave no reason.', retryable: true };
    const nulls = { code: null, details: null, retryable: null };
    expect(errorOf(response({ type: 'error', message, ...nulls }))).toEqual(error);
  });

  it('is as retryable as the catalogue says, unless it says so itself', () => {
    const invalid = { type: 'error', code: 'request_invalid', message: 'm' };
    expect(errorOf(response(invalid))).toMatchObject({ retryable: false });
    expect(errorOf(response({ ...invalid, retryable: 'yes' }))).toMatchObject({ retryable: false });
    expect(errorOf(response({ ...invalid, retryable: true }))).toMatchObject({ retryable: true });
  });

  it('is cut to a length that a log can take', () => {
    const long = 'x'.repeat(1_000_000);
    const { message, details } = errorOf(response({ type: 'error', message: long, details: long })) as {
      message: string;
      details: string;
    };
    expect([message.length, details.length]).toEqual([2_000, 2_000]);
  });
});

describe('pong and events', () => {
  it('are read whole, or with nothing in them', () => {
    const none = { rssBytes: undefined, jobsDone: undefined, model: undefined };
    expect(response({ type: 'pong', rss_bytes: 5, jobs_done: 0, model: 'm' })).toEqual({
      kind: 'pong',
      correlationId: 'c',
      health: { rssBytes: 5, jobsDone: 0, model: 'm' },
    });
    expect(response({ type: 'pong' })).toMatchObject({ health: none });
    expect(response({ type: 'pong', rss_bytes: -1, jobs_done: '3', model: 4 })).toMatchObject({
      health: none,
    });
    expect(event({ type: 'ready', model: 'm' })).toEqual({ kind: 'ready', model: 'm' });
    expect(event({ type: 'ready', model: null })).toEqual({ kind: 'ready', model: undefined });
    expect(event({ type: 'failed', code: 'disk_full', message: 'm' })).toEqual({
      kind: 'failed',
      error: { code: 'disk_full', message: 'm', retryable: true },
    });
  });
});

describe('1.0', () => {
  it.each([undefined, null])('is what has a version of %s', (version) => {
    expect(parse({ version, success: true, output_path: '/a' })).toEqual({
      kind: 'bare',
      answer: { ok: true, path: '/a' },
    });
  });

  it('says why it failed', () => {
    const answer = {
      ok: false,
      error: { code: 'voice_not_found', message: 'no such voice', retryable: false },
    };
    expect(parse({ success: false, error: 'no such voice', code: null })).toEqual({ kind: 'bare', answer });
  });

  it.each([null, 3, undefined])('names no file when that is %j', (path) => {
    expect(parse({ success: true, output_path: path })).toEqual({
      kind: 'bare',
      answer: { ok: true, path: undefined },
    });
  });

  it.each([{}, { error: 'x' }, { success: 'true' }, { success: null }, { status: 'ready' }])(
    'has no answer in %j',
    (message) => {
      expect(parse(message)).toEqual({ kind: 'bare', answer: undefined });
    },
  );
});

describe('what is no message', () => {
  it.each([
    {},
    { type: 'response', payload: { type: 'pong' } },
    { type: 'response', payload: { type: 'pong' }, metadata: null },
    { type: 'response', payload: { type: 'pong' }, metadata: { correlationId: 3 } },
    { type: 'response', payload: { type: 'toString' }, metadata: { correlationId: 'c' } },
    { type: 'response', payload: null, metadata: { correlationId: 'c' } },
    { type: 'response', payload: [], metadata: { correlationId: 'c' } },
    { type: 'request', payload: { type: 'pong' }, metadata: { correlationId: 'c' } },
    { type: 'event', payload: { type: 'audio' } },
    { type: 'event', payload: 'ready' },
    { type: null, payload: {} },
  ])('%j is none', (fields) => {
    expect(parse({ version: '2.1.0', ...fields })).toBeUndefined();
  });

  it('is recognised without an exception', () => {
    const kinds = fc.constantFrom('hello', 'audio', 'error', 'pong', 'ready', 'failed', '__proto__');
    const words = fc.constantFrom(
      'version',
      'encoding',
      'code',
      'message',
      'models',
      'output_path',
      'sample_rate',
    );
    const payload = fc
      .tuple(kinds, fc.dictionary(words, fc.jsonValue()))
      .map(([type, fields]) => ({ type, ...fields }));
    const type = fc.constantFrom('response', 'event', 'request', null);
    fc.assert(
      fc.property(type, fc.oneof(payload, fc.jsonValue()), fc.jsonValue(), (type, payload, metadata) => {
        const ids = { metadata: { correlationId: 'c' } };
        expect(parse({ type, payload, metadata })).toMatchObject({ kind: 'bare' });
        expect(() => parse({ version: '2.1.0', type, payload, metadata })).not.toThrow();
        expect(() => parse({ version: '2.1.0', type, payload, ...ids }, bytes)).not.toThrow();
      }),
      { numRuns: 1_000 },
    );
  });
});
