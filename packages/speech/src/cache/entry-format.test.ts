import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEntry, parseEntry } from './entry-format.ts';

const NAME = 'ab'.repeat(32);
const FACTS = { voiceId: 'slt', rate: 1 };

const entryOf = async (bytes: Uint8Array<ArrayBuffer>, name = NAME): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(Buffer.concat(await formatEntry(name, { facts: FACTS, bytes, writtenAtMs: 12.5 })));

describe('an entry', () => {
  it('comes back as it was written, of any length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 100 }),
        fc.dictionary(fc.string(), fc.string()),
        async (raw, facts) => {
          const bytes = new Uint8Array(raw);
          const parts = await formatEntry(NAME, { facts, bytes, writtenAtMs: 7 });
          const entry = await parseEntry(NAME, new Uint8Array(Buffer.concat(parts)));
          expect(entry).toEqual({ facts: JSON.parse(JSON.stringify(facts)), bytes, writtenAtMs: 7 });
        },
      ),
    );
    const long = new Uint8Array(randomBytes(2 ** 21 * 2 + 1));
    expect(await parseEntry(NAME, await entryOf(long))).toMatchObject({ writtenAtMs: 12.5, facts: FACTS });
  });

  it('is refused when any one bit of it is another', async () => {
    const file = await entryOf(Uint8Array.of(1, 2, 3));
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      const altered = file.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(await parseEntry(NAME, altered), `bit ${bit}`).toHaveProperty('fault');
    }
  });

  it('is refused when it is cut anywhere, or followed by anything', async () => {
    const file = await entryOf(Uint8Array.of(1, 2, 3));
    for (let length = 0; length < file.length; length += 1) {
      expect(await parseEntry(NAME, file.slice(0, length)), `${length} bytes`).toHaveProperty('fault');
    }
    expect(await parseEntry(NAME, new Uint8Array([...file, 0]))).toHaveProperty('fault');
  });

  it('is refused under the name of another one', async () => {
    const file = await entryOf(Uint8Array.of(1), 'cd'.repeat(32));
    expect(await parseEntry(NAME, file)).toEqual({ fault: 'another name' });
  });
});
