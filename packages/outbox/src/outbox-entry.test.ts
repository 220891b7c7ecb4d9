import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byStamp, nameEntry, nameSubstitute, parseEntryName } from './entry-name.ts';
import { formatEntry, MAX_ENTRY_BYTES, parseEntry } from './outbox-entry.ts';
import { messageOf, withSubstitute } from './outbox-fixture.ts';
import { createStamps } from './stamps.ts';

const withMetadata = (metadata: Record<string, unknown>) => {
  const message = withSubstitute('s1', 'j1');
  return { ...message, payload: { ...message.payload, metadata } };
};

describe('an entry', () => {
  it('comes back as it was written, whatever its payload holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (metadata) => {
        const message = withMetadata(metadata);
        const parsed = parseEntry(formatEntry({ message, createdMs: 1 }));
        if (!parsed.ok) throw new Error(parsed.reason);
        // Byte for byte: each try sends what the first one sent.
        expect(JSON.stringify(parsed.entry.message.payload)).toBe(JSON.stringify(message.payload));
        expect(parsed.entry.message.substitute).toEqual(message.substitute);
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

  it('may not be larger than one that is read', () => {
    const message = withMetadata({ text: 'x'.repeat(MAX_ENTRY_BYTES) });
    expect(() => formatEntry({ message, createdMs: 1 })).toThrow(RangeError);
  });

  it('with a payload that is no JSON is not written', () => {
    expect(() => formatEntry({ message: withMetadata({ big: 1n }), createdMs: 1 })).toThrow(TypeError);
  });
});

describe('the name of an entry', () => {
  it('says what the sender has to know', () => {
    const name = nameEntry(messageOf('s1', 'j1'), 1_767_323_045_000, '00000000000a');
    expect(parseEntryName(name.file)).toEqual(name);
    const substitute = nameSubstitute(name, messageOf('s1', 'j1', { url: 'https://a.example/error' }));
    expect([substitute.lane, substitute.destination]).toEqual([name.lane, name.destination]);
    expect([substitute, name].sort(byStamp)).toEqual([name, substitute]);
  });

  it.each(['', 'x.json', '000000000000001-a-b-c.json', `${'1'.repeat(16)}-${'a'.repeat(12)}.json`])(
    'is not %j',
    (file) => {
      expect(parseEntryName(file)).toBeUndefined();
    },
  );
});

it('stamps rise, whatever the clock does, and two follow each other', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4_000_000_000_000 }), { minLength: 2 }), (times) => {
      let nowMs = 0;
      const stamps = createStamps(() => nowMs);
      let last = -2;
      for (const time of times) {
        nowMs = time;
        const stamp = stamps.take();
        expect(stamp).toBeGreaterThan(last + 1);
        last = stamp;
      }
    }),
  );
});
