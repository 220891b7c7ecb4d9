import { createHmac } from 'node:crypto';
import { signHmac, signStandard } from '@taleback/core/signatures';
import { describe, expect, it, vi } from 'vitest';
import { authenticate } from './authenticate.ts';

const NOW_MS = 1_800_000_000_000;
const KEY = Buffer.alloc(24, 1);
const RULES = {
  signatures: 'required',
  secrets: { standard: [KEY, Buffer.alloc(24, 2)], hmac: ['shared', 'its-successor'] },
  hmacHeaderPrefix: 'taleback',
} as const;
const PATH = '/api/tts/callback';

const ask = (headers: Record<string, string>, body: Uint8Array, path = PATH) =>
  authenticate({ method: 'POST', path, headers: new Headers(headers) }, body, RULES, NOW_MS);

const standard = (body: Uint8Array, id = 'm', nowMs = NOW_MS): Record<string, string> =>
  signStandard({ id, timestampSeconds: nowMs / 1000, body }, [KEY]);
const hmac = (body: Uint8Array, nowMs = NOW_MS): Record<string, string> =>
  signHmac({ method: 'POST', path: PATH, timestampMs: nowMs, body }, 'shared', 'taleback');

const keyOf = (caller: ReturnType<typeof authenticate>): string | undefined =>
  caller.ok ? caller.messages[0]?.key : undefined;

describe('the key of a signed message', () => {
  const body = Buffer.from('{}');

  it('is the same for the same message, whatever else came with it', () => {
    const key = keyOf(ask(standard(body), body));
    expect(key).toMatch(/^[\w+/]{43}=$/);
    expect(keyOf(ask({ ...standard(body), 'x-other': '1' }, body))).toBe(key);
    const signed = standard(body)['webhook-signature'] ?? '';
    expect(keyOf(ask({ ...standard(body), 'webhook-signature': `v1,AAAA ${signed}` }, body))).toBe(key);
  });

  it('is another for another id, time, body or scheme', () => {
    const other = Buffer.from('{ }');
    const keys = [
      ask(standard(body), body),
      ask(standard(body, 'n'), body),
      ask(standard(body, 'm', NOW_MS + 1_000), body),
      ask(standard(other), other),
      ask(hmac(body), body),
      ask(hmac(body, NOW_MS + 1), body),
    ].map(keyOf);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).not.toContain(undefined);
  });

  it('is one for each scheme that signed it', () => {
    const caller = ask({ ...standard(body), ...hmac(body) }, body);
    const keys = [ask(standard(body), body), ask(hmac(body), body)].map(keyOf);
    expect(caller).toEqual({
      ok: true,
      messages: [
        { key: keys[0], id: 'm' },
        { key: keys[1], id: undefined },
      ],
    });
  });

  it('is the same on every path, unless the path is signed', () => {
    expect(keyOf(ask(standard(body), body, '/progress'))).toBe(keyOf(ask(standard(body), body)));
    expect(keyOf(ask(hmac(body), body, '/progress'))).toBeUndefined();
  });

  it('is none where no one signs', () => {
    const request = { method: 'POST', path: PATH, headers: new Headers() };
    expect(authenticate(request, body, { ...RULES, signatures: 'off' }, NOW_MS)).toEqual({
      ok: true,
      messages: [],
    });
  });
});

describe('the time that a refusal takes', () => {
  const body = Buffer.alloc(262_144, 32);
  const stale = NOW_MS - 3_600_000;
  const wrong: Readonly<Record<string, Record<string, string>>> = {
    malformed: { 'webhook-id': 'm' },
    stale: standard(body, 'm', stale),
    forged: { ...standard(body), 'webhook-id': 'n' },
    'stale hmac': hmac(body, stale),
    'malformed hmac': { 'x-taleback-signature': 'zz', 'x-taleback-timestamp': '1' },
  };

  /** How often the body is hashed. */
  const hashings = (headers: Record<string, string>): number => {
    const hashing = createHmac('sha256', 'any');
    const update = vi.spyOn(Object.getPrototypeOf(hashing) as typeof hashing, 'update');
    expect(ask(headers, body).ok).toBe(false);
    const hashedBytes = update.mock.calls.reduce((sum, [data]) => sum + data.length, 0);
    update.mockRestore();
    return Math.floor(hashedBytes / body.byteLength);
  };

  it.each(Object.entries(wrong))(
    'is that of hashing the body with both secrets of the scheme that is named: %s',
    (_, headers) => {
      expect(hashings(headers)).toBe(2);
    },
  );

  it('is that of all four secrets where both schemes are named, and of none where neither is', () => {
    expect(hashings({ ...standard(body, 'm', stale), ...hmac(body, stale) })).toBe(4);
    expect(hashings({})).toBe(0);
  });
});
