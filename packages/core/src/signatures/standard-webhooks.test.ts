import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type StandardMessage, parseSecret, signStandard, verifyStandard } from './signatures.ts';

const NOW_SECONDS = 1_800_000_000;
const NOW_MS = NOW_SECONDS * 1000;
const utf8 = new TextEncoder();
const secretOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const textOf = (secret: Uint8Array): string => `whsec_${Buffer.from(secret).toString('base64')}`;
const OLD = secretOf(1);
const NEW = secretOf(2);
const body = utf8.encode('{"story_id":"s1","error":"boom"}');
const message: StandardMessage = { id: 'msg_1', timestampSeconds: NOW_SECONDS, body };

const verify = (
  headers: Record<string, string>,
  {
    raw = body,
    secrets = [OLD],
    nowMs = NOW_MS,
  }: { raw?: Uint8Array; secrets?: Uint8Array[]; nowMs?: number } = {},
): string => {
  const result = verifyStandard(new Headers(headers), raw, secrets, nowMs);
  return result.ok ? `ok ${result.scheme} ${result.messageId}` : result.reason;
};
const GENUINE = 'ok standard-webhooks msg_1';

describe('beside the standardwebhooks package', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW_MS });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const anyId = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
  const anySecret = fc.uint8Array({ minLength: 24, maxLength: 64 });

  it('the package verifies what we sign, and signs the same', () => {
    fc.assert(
      fc.property(anyId, anySecret, fc.jsonValue(), (id, secret, value) => {
        const text = JSON.stringify(value);
        const oracle = new Webhook(textOf(secret));
        const headers = signStandard({ id, timestampSeconds: NOW_SECONDS, body: utf8.encode(text) }, [
          secret,
        ]);
        expect(headers['webhook-signature']).toBe(oracle.sign(id, new Date(NOW_MS), text));
        expect(oracle.verify(text, headers)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('we verify what it signs, with the secret as it is configured', () => {
    fc.assert(
      fc.property(anyId, anySecret, fc.string({ unit: 'grapheme' }), (id, secret, text) => {
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': String(NOW_SECONDS),
          'webhook-signature': new Webhook(textOf(secret)).sign(id, new Date(NOW_MS), text),
        };
        const secrets = [parseSecret(textOf(secret)) as Uint8Array<ArrayBuffer>];
        expect(verify(headers, { raw: utf8.encode(text), secrets })).toBe(`ok standard-webhooks ${id}`);
      }),
    );
  });

  it.each([-301, -300, 0, 300, 301])('we agree on a message %i seconds away', (offset) => {
    const headers = signStandard({ ...message, timestampSeconds: NOW_SECONDS + offset }, [OLD]);
    const oracle = (): boolean => {
      try {
        new Webhook(textOf(OLD)).verify(Buffer.from(body), headers);
        return true;
      } catch {
        return false;
      }
    };
    expect(verify(headers) === GENUINE).toBe(oracle());
    expect(verify(headers)).toBe(Math.abs(offset) > 300 ? 'stale' : GENUINE);
  });
});

describe('verifyStandard', () => {
  const genuine = signStandard(message, [OLD]);

  it('accepts binary bodies of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (raw) => {
        expect(verify(signStandard({ ...message, body: raw }, [OLD]), { raw })).toBe(GENUINE);
      }),
    );
  });

  it('counts the tolerance in milliseconds, either way', () => {
    expect(verify(genuine, { nowMs: NOW_MS + 300_000 })).toBe(GENUINE);
    expect(verify(genuine, { nowMs: NOW_MS - 300_000 })).toBe(GENUINE);
    expect(verify(genuine, { nowMs: NOW_MS + 300_001 })).toBe('stale');
    expect(verify(genuine, { nowMs: NOW_MS - 300_001 })).toBe('stale');
  });

  it('lets secrets rotate on either side', () => {
    expect(verify(signStandard(message, [NEW]), { secrets: [OLD, NEW] })).toBe(GENUINE);
    expect(verify(signStandard(message, [OLD, NEW]), { secrets: [NEW] })).toBe(GENUINE);
    expect(verify(signStandard(message, [NEW]), { secrets: [OLD] })).toBe('forged');
    expect(verify(genuine, { secrets: [] })).toBe('forged');
  });

  it.each([
    ['the body', {}, utf8.encode('{"story_id":"s2","error":"boom"}')],
    ['one byte more', {}, new Uint8Array([...body, 0])],
    ['one byte less', {}, body.slice(0, -1)],
    ['the id', { 'webhook-id': 'msg_2' }, body],
    ['the timestamp', { 'webhook-timestamp': String(NOW_SECONDS + 1) }, body],
  ])('finds %s tampered with', (_what, headers, raw) => {
    expect(verify({ ...genuine, ...headers }, { raw })).toBe('forged');
  });

  it('finds any bit of the signature tampered with', () => {
    const bytes = Buffer.from(genuine['webhook-signature'].slice(3), 'base64');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), (bit) => {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(verify({ ...genuine, 'webhook-signature': `v1,${flipped.toString('base64')}` })).toBe(
          'forged',
        );
      }),
    );
  });

  it.each([
    'v1,',
    'v1,AAAA',
    `v1,${Buffer.alloc(31).toString('base64')}`,
    `v1,${Buffer.alloc(33).toString('base64')}`,
    'v1a,AAAA',
    genuine['webhook-signature'].slice(3),
    genuine['webhook-signature'].replace('v1,', 'v2,'),
    genuine['webhook-signature'].replace('v1,', 'v1 ,'),
    'not base64 at all',
  ])('does not accept the signature %j', (signature) => {
    expect(verify({ ...genuine, 'webhook-signature': signature })).toBe('forged');
  });

  it('looks past signatures of other versions', () => {
    expect(
      verify({ ...genuine, 'webhook-signature': `v1a,xyz v2,abc  ${genuine['webhook-signature']} v1,` }),
    ).toBe(GENUINE);
  });

  it('says unsigned without any header, malformed with some', () => {
    expect(verify({})).toBe('unsigned');
    expect(verify({ 'x-other': '1' })).toBe('unsigned');
    for (const missing of Object.keys(genuine)) {
      const { [missing as 'webhook-id']: _left, ...rest } = genuine;
      expect(verify(rest)).toBe('malformed');
      expect(verify({ ...genuine, [missing]: '' })).toBe('malformed');
    }
  });

  it.each(['soon', '-1', '1e9', '1.5', '0x10', `${NOW_SECONDS}000000`, `${NOW_SECONDS}abc`, 'NaN'])(
    'calls the timestamp %j malformed',
    (timestamp) => {
      expect(verify({ ...genuine, 'webhook-timestamp': timestamp })).toBe('malformed');
    },
  );

  it('signs whole seconds', () => {
    const headers = signStandard({ ...message, timestampSeconds: NOW_SECONDS + 0.9 }, [OLD]);
    expect(headers).toEqual(genuine);
  });
});

describe('parseSecret', () => {
  it('reads base64 with and without the prefix', () => {
    expect([...parseSecret(textOf(OLD))]).toEqual([...OLD]);
    expect([...parseSecret(textOf(OLD).slice('whsec_'.length))]).toEqual([...OLD]);
    expect(parseSecret(textOf(new Uint8Array(24)))).toHaveLength(24);
  });

  it.each([
    '',
    'whsec_',
    'hunter2hunter2',
    textOf(new Uint8Array(23).fill(7)),
    `whsec_${'ä'.repeat(40)}`,
    `whsec_${'ab_-'.repeat(20)}`,
    `${textOf(OLD)}\n`,
    ` ${textOf(OLD)}`,
    `whsec_${'A===='.repeat(20)}`,
  ])('refuses %j without repeating it', (secret) => {
    const caught = (): unknown => {
      try {
        return parseSecret(secret);
      } catch (error) {
        return error;
      }
    };
    const error = caught();
    expect(error).toBeInstanceOf(RangeError);
    const words = String(error);
    const encoded = secret.replace('whsec_', '').trim();
    expect(encoded !== '' && words.includes(encoded)).toBe(false);
  });
});
