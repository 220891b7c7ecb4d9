import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf, payloadOf, withSubstitute } from '../test/outbox-fixture.ts';
import { formatDeadLetter, formatEntry, parseDeadLetter, parseEntry } from './entry-file.ts';

const withMetadata = (metadata: Record<string, unknown>) => {
  const message = withSubstitute('s1', 'j1');
  return { ...message, body: JSON.stringify({ ...payloadOf('s1', 'j1'), metadata }) };
};

describe('an entry', () => {
  it('comes back as it was written, whatever its payload holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (metadata) => {
        const message = withMetadata(metadata);
        const parsed = parseEntry(formatEntry({ message, createdMs: 1 }));
        if (!parsed.ok) throw new Error(parsed.reason);
        // Byte for byte: each try sends what the first one sent.
        expect(parsed.entry.message).toEqual(message);
      }),
    );
  });

  it('is refused after any cut or change, never read as something else', () => {
    const bytes = Buffer.from(formatEntry({ message: messageOf('s1', 'ü'), createdMs: 1 }));
    fc.assert(
      fc.property(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), (at, change) => {
        expect(parseEntry(bytes.subarray(0, at))).toMatchObject({ ok: false });
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(parseEntry(changed)).toMatchObject({ ok: false });
      }),
    );
  });

  it.each([
    ['another version', { version: 2 }],
    ['an address that is none', { url: 'javascript:1' }],
    ['an id that is no header', { messageId: 'a\r\nx: y' }],
    ['an id with a dot', { messageId: 'a.b' }],
    ['a payload that is a list', { payload: [] }],
  ])('although its checksum is right, is refused: %s', (_, fields) => {
    const entry = { version: 1, url: 'https://a.example', messageId: 'm', createdMs: 1, payload: {} };
    const line = JSON.stringify({ ...entry, ...fields });
    const text = `${line}\n${createHash('sha256').update(line).digest('hex')}\n`;
    expect(parseEntry(Buffer.from(text))).toMatchObject({ ok: false });
  });
});

it('a dead letter comes back with its cause', () => {
  const message = withSubstitute('s1', 'j1');
  const delivery = { kind: 'refused', status: 422, excerpt: 'no' } as const;
  const letter = { message, createdMs: 1, why: 'refused', delivery, attempts: 2, atMs: 3 } as const;
  const parsed = parseDeadLetter(Buffer.from(formatDeadLetter(letter)).toString('utf8'));
  expect(parsed).toMatchObject({ ok: true, entry: { message, createdMs: 1 }, cause: 'answered 422: no' });
  expect(parseDeadLetter('{"version":1')).toEqual({ ok: false, reason: 'it is not JSON' });
});
