import * as fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type HmacMessage, signHmac, verifyHmac } from './signatures.ts';

const NOW_MS = 1_800_000_000_123;
const PATH = '/api/tts/error-callback';
const SECRET = 'a shared secret with ümlauts';
const body = new TextEncoder().encode('{"story_id":"s1","error":"boom"}');
const message: HmacMessage = { method: 'POST', path: PATH, timestampMs: NOW_MS, body };
const genuine = signHmac(message, SECRET, 'tale');

interface Told {
  readonly raw?: Uint8Array;
  readonly secrets?: readonly string[];
  readonly nowMs?: number;
  readonly method?: string;
  readonly path?: string;
  readonly prefix?: string;
}

const verify = (headers: Record<string, string>, told: Told = {}): string => {
  const request = { method: told.method ?? 'POST', path: told.path ?? PATH, headers: new Headers(headers) };
  const secrets = told.secrets ?? [SECRET];
  const result = verifyHmac(request, told.raw ?? body, secrets, told.prefix ?? 'tale', told.nowMs ?? NOW_MS);
  return result.ok ? `ok ${result.scheme} ${result.messageId}` : result.reason;
};
const GENUINE = 'ok hmac undefined';

describe('signHmac', () => {
  it('signs what handlers in the field sign: method, path, milliseconds, then the raw body', () => {
    const text = `POST\n${PATH}\n${NOW_MS}\n{"story_id":"s1","error":"boom"}`;
    expect(genuine).toEqual({
      'x-tale-timestamp': String(NOW_MS),
      'x-tale-signature': createHmac('sha256', Buffer.from(SECRET, 'utf8'))
        .update(text, 'utf8')
        .digest('hex'),
    });
  });

  it('holds the known answer of another implementation', () => {
    // Python: hmac.new(b'k' * 32, b'POST\n/api/tts/callback\n1700000000000\n{}', hashlib.sha256).hexdigest()
    const signed = signHmac(
      {
        method: 'POST',
        path: '/api/tts/callback',
        timestampMs: 1_700_000_000_000,
        body: new TextEncoder().encode('{}'),
      },
      'k'.repeat(32),
      'app',
    );
    expect(signed['x-app-signature']).toBe(
      '3dfc568084cf0ae7607da18f7d818c47df087785778e1863eaf21b967e86c7c3',
    );
  });

  it('signs whole milliseconds', () => {
    expect(signHmac({ ...message, timestampMs: NOW_MS + 0.75 }, SECRET, 'tale')).toEqual(genuine);
  });
});

describe('verifyHmac', () => {
  it('round trips any body, path, secret and prefix', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 500 }),
        fc.webPath(),
        fc.string({ minLength: 1 }).map((text) => `${text}ü`),
        fc.stringMatching(/^[a-z][a-z0-9-]{0,15}$/),
        fc.constantFrom('POST', 'PUT', 'GET'),
        (raw, path, secret, prefix, method) => {
          const headers = signHmac({ method, path, timestampMs: NOW_MS, body: raw }, secret, prefix);
          expect(verify(headers, { raw, path, secrets: ['another', secret], prefix, method })).toBe(GENUINE);
          expect(verify(headers, { raw, path, secrets: [`${secret}.`], prefix, method })).toBe('forged');
        },
      ),
    );
  });

  it('lets the clock lie 300 s off, either way, and not a millisecond more', () => {
    expect(verify(genuine, { nowMs: NOW_MS + 300_000 })).toBe(GENUINE);
    expect(verify(genuine, { nowMs: NOW_MS - 300_000 })).toBe(GENUINE);
    expect(verify(genuine, { nowMs: NOW_MS + 300_001 })).toBe('stale');
    expect(verify(genuine, { nowMs: NOW_MS - 300_001 })).toBe('stale');
  });

  it.each<[string, Told]>([
    ['the body', { raw: new TextEncoder().encode('{"story_id":"s2","error":"boom"}') }],
    ['the path', { path: '/api/tts/callback' }],
    ['the method', { method: 'PUT' }],
    ['the secret', { secrets: ['guess'] }],
    ['every secret', { secrets: [] }],
  ])('finds %s changed', (_what, told) => {
    expect(verify(genuine, told)).toBe('forged');
  });

  it('finds the timestamp changed', () => {
    expect(verify({ ...genuine, 'x-tale-timestamp': String(NOW_MS + 1) })).toBe('forged');
  });

  it('finds any digit of the signature changed', () => {
    const given = genuine['x-tale-signature'] ?? '';
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 63 }),
        fc.constantFrom(...'0123456789abcdef'.split('')),
        (at, digit) => {
          fc.pre(given[at] !== digit);
          const changed = `${given.slice(0, at)}${digit}${given.slice(at + 1)}`;
          expect(verify({ ...genuine, 'x-tale-signature': changed })).toBe('forged');
        },
      ),
    );
  });

  it.each([
    '',
    'abc',
    'z'.repeat(64),
    'a'.repeat(63),
    'a'.repeat(65),
    'A'.repeat(64),
    `sha256=${'a'.repeat(64)}`,
  ])('calls the signature %j malformed', (signature) => {
    expect(verify({ ...genuine, 'x-tale-signature': signature })).toBe('malformed');
  });

  it.each(['', 'now', '-1', '1.8e12', '1800000000000.5', '9'.repeat(16), '0x1'])(
    'calls the timestamp %j malformed',
    (timestamp) => {
      expect(verify({ ...genuine, 'x-tale-timestamp': timestamp })).toBe('malformed');
    },
  );

  it('takes a timestamp in seconds for stale, not for now', () => {
    expect(verify({ ...genuine, 'x-tale-timestamp': String(Math.floor(NOW_MS / 1000)) })).toBe('stale');
  });

  it('says unsigned without its headers, malformed with only one', () => {
    expect(verify({})).toBe('unsigned');
    expect(verify(genuine, { prefix: 'other' })).toBe('unsigned');
    expect(verify({ 'x-tale-timestamp': String(NOW_MS) })).toBe('malformed');
    expect(verify({ 'x-tale-signature': 'a'.repeat(64) })).toBe('malformed');
  });
});
