import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { type HttpRequest, parseJson, readBody } from './call.ts';

const LIMITS = { maxBytes: 10, timeoutMs: 1_000 };

type Incoming = Pick<HttpRequest, 'headers' | 'body'>;

const requestOf = (body: Readable | string | Uint8Array, headers: Record<string, string> = {}): Incoming => ({
  headers: new Headers(headers),
  body: body instanceof Readable ? body : Readable.from([Buffer.from(body as string)]),
});

const streamOf = (...chunks: readonly number[]): Readable =>
  Readable.from(chunks.map((sizeBytes) => new Uint8Array(sizeBytes).fill(32)));

describe('readBody', () => {
  it('reads what fits, in however many pieces', async () => {
    expect(await readBody(requestOf(streamOf(4, 0, 6)), LIMITS)).toEqual({
      ok: true,
      bytes: Buffer.alloc(10, 32),
    });
    expect(await readBody(requestOf(streamOf()), LIMITS)).toEqual({
      ok: true,
      bytes: Buffer.alloc(0),
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
    const encoded = (body: string): Incoming => requestOf(deflated(body), { 'content-encoding': encoding });
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

  it('takes the bytes that the platform has read and inflated, if they are not too many', async () => {
    const headers = new Headers({ 'content-encoding': 'gzip' });
    const most = { headers, body: new Uint8Array(10) };
    expect(await readBody(most, LIMITS)).toEqual({ ok: true, bytes: most.body });
    expect(await readBody({ headers, body: new Uint8Array(11) }, LIMITS)).toEqual({
      ok: false,
      refusal: { kind: 'too-large', maxBytes: 10 },
    });
  });

  it('stops reading a body that is too large', async () => {
    let chunks = 0;
    const endless = new Readable({
      highWaterMark: 4,
      read() {
        chunks += 1;
        this.push(new Uint8Array(4));
      },
    });
    expect((await readBody(requestOf(endless), LIMITS)).ok).toBe(false);
    await new Promise(setImmediate);
    expect(chunks).toBeLessThanOrEqual(4);
  });

  it('waits for a body only so long', async () => {
    vi.useFakeTimers();
    try {
      const dripping = new Readable({ read() {} });
      dripping.push(new Uint8Array(1));
      const reading = readBody(requestOf(dripping), LIMITS);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await reading).toEqual({ ok: false, refusal: { kind: 'too-slow' } });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('answers a caller who went away', async () => {
    const broken = new Readable({ read() {} });
    const reading = readBody(requestOf(broken), LIMITS);
    broken.destroy(new Error('aborted'));
    const brokeOff = { ok: false, refusal: { kind: 'not-json', sentence: 'body: broke off' } };
    expect(await reading).toEqual(brokeOff);
    expect(await readBody(requestOf(broken), LIMITS)).toEqual(brokeOff);
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
