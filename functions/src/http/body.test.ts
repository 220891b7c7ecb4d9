import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { parseJson, readBody } from './call.ts';

const LIMITS = { maxBytes: 10, timeoutMs: 1_000 };

const requestOf = (
  body: ReadableStream<Uint8Array> | string,
  headers: Record<string, string> = {},
): Request => new Request('http://h/', { method: 'POST', body, headers, duplex: 'half' });

const streamOf = (...chunks: readonly number[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      for (const sizeBytes of chunks) controller.enqueue(new Uint8Array(sizeBytes).fill(32));
      controller.close();
    },
  });

describe('readBody', () => {
  it('reads what fits, in however many pieces', async () => {
    expect(await readBody(requestOf(streamOf(4, 0, 6)), LIMITS)).toEqual({
      ok: true,
      bytes: Buffer.alloc(10, 32),
    });
    expect(await readBody(new Request('http://h/', { method: 'POST' }), LIMITS)).toEqual({
      ok: true,
      bytes: new Uint8Array(),
    });
  });

  it.each([
    ['by its declared length', requestOf('x', { 'content-length': '11' })],
    ['by what came', requestOf(streamOf(6, 5))],
    ['by what came, whatever it declared', requestOf(streamOf(11), { 'content-length': '1' })],
  ])('refuses what is too large %s', async (_, request) => {
    expect(await readBody(request, LIMITS)).toEqual({
      ok: false,
      refusal: { kind: 'too-large', maxBytes: 10 },
    });
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('inflates %s, and stops where that gets too large', async (encoding, deflated) => {
    const encoded = (body: string): Request =>
      new Request('http://h/', {
        method: 'POST',
        headers: { 'content-encoding': encoding },
        body: deflated(body),
      });
    const limits = { ...LIMITS, maxBytes: 100 };
    expect(await readBody(encoded('{"a":1}'), limits)).toEqual({ ok: true, bytes: Buffer.from('{"a":1}') });
    for (const body of [' '.repeat(101), ' '.repeat(5_000_000)])
      expect(await readBody(encoded(body), limits)).toEqual({
        ok: false,
        refusal: { kind: 'too-large', maxBytes: 100 },
      });
  });

  it('refuses what is not encoded as it says, and encodings that it does not know', async () => {
    expect(await readBody(requestOf('{}', { 'content-encoding': 'gzip' }), LIMITS)).toEqual({
      ok: false,
      refusal: { kind: 'not-json', sentence: 'body: must be gzip, as content-encoding says' },
    });
    for (const encoding of ['zstd', 'gzip, gzip', 'constructor'])
      expect(await readBody(requestOf('{}', { 'content-encoding': encoding }), LIMITS)).toEqual({
        ok: false,
        refusal: { kind: 'wrong-encoding' },
      });
    expect((await readBody(requestOf('{}', { 'content-encoding': 'Identity' }), LIMITS)).ok).toBe(true);
  });

  it('stops reading a body that is too large', async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        chunks += 1;
        controller.enqueue(new Uint8Array(4));
      },
    });
    expect((await readBody(requestOf(endless), LIMITS)).ok).toBe(false);
    await new Promise(setImmediate);
    expect(chunks).toBeLessThanOrEqual(4);
  });

  it('waits for a body only so long', async () => {
    vi.useFakeTimers();
    try {
      const dripping = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
      });
      const reading = readBody(requestOf(dripping), LIMITS);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await reading).toEqual({ ok: false, refusal: { kind: 'too-slow' } });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('answers a caller who went away', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('aborted')),
    });
    expect(await readBody(requestOf(broken), LIMITS)).toEqual({
      ok: false,
      refusal: { kind: 'not-json', sentence: 'body: broke off' },
    });
  });
});

describe('parseJson', () => {
  it('survives any depth', () => {
    const deep = Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(parseJson(deep).ok).toBe(true);
    expect(parseJson(deep.subarray(1)).ok).toBe(false);
  });

  it("reads Python's numbers that are none as null, and leaves texts alone", () => {
    const python = '{"a":NaN,"b":[-Infinity,Infinity],"NaN":"NaN, \\"Infinity\\" NaN"}';
    expect(parseJson(Buffer.from(python))).toEqual({
      ok: true,
      value: { a: null, b: [null, null], NaN: 'NaN, "Infinity" NaN' },
    });
  });

  it('ends in good time, whatever the quotes', () => {
    // Quadratic time would be minutes, past the test's timeout.
    for (const text of ['NaN"\\"'.repeat(60_000), `NaN"${'\\"'.repeat(120_000)}`])
      expect(parseJson(Buffer.from(text)).ok).toBe(false);
  });

  it.each([
    [Buffer.alloc(0), 'body: must not be empty'],
    [Buffer.from([0x22, 0xff, 0x22]), 'body: must be UTF-8'],
    [Buffer.from('{"a":NaNa}'), 'body: must be valid JSON'],
    [Buffer.from('{"a":Infinity'), 'body: must be valid JSON'],
  ])('says what is wrong, and repeats nothing', (bytes, sentence) => {
    expect(parseJson(bytes)).toEqual({ ok: false, sentence });
  });
});
