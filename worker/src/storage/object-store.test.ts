import * as fc from 'fast-check';
import { posix } from 'node:path';
import { audioKey } from '@taleback/core/storage';
import { describe, expect, it } from 'vitest';
import { checkAudioKey, checkStoreKey, keyAddress } from './library.ts';

const takes = (key: string): boolean => {
  try {
    checkStoreKey(key);
    return true;
  } catch {
    return false;
  }
};

const anyKey = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('..', '.', '/', '\\', 'a')), {
  maxLength: 8,
});

const long = (bytes: number): string => `${'x'.repeat(199)}/`.repeat(6).slice(0, bytes);

describe('a key', () => {
  it('that is taken never leads out of a folder, nor to another place than it names', () => {
    fc.assert(
      fc.property(anyKey, fc.constantFrom('', '/'), (parts, glue) => {
        const key = parts.join(glue);
        fc.pre(takes(key));
        expect(posix.join('/root', key)).toBe(`/root/${key}`);
        const address = new URL(`https://audio.example/tales/${keyAddress(key)}`);
        expect(decodeURIComponent(address.pathname)).toBe(`/tales/${key}`);
        expect([address.search, address.hash]).toEqual(['', '']);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of an audio is always taken', () => {
    const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(id, id, id, (userId, storyId, version) => {
        const key = audioKey({ userId, storyId, language: 'en', version });
        expect(checkAudioKey(key)).toBe(`${key}.json`);
      }),
    );
  });

  it('is as long as a bucket allows, its sidecar included', () => {
    expect([takes(long(1_019)), takes(long(1_021))]).toEqual([true, false]);
    expect([takes('я'.repeat(104)), takes('я'.repeat(105))]).toEqual([true, false]);
  });

  it('is said, when it is refused, in text that can be logged', () => {
    expect(() => checkStoreKey('\ud800')).toThrow(
      expect.objectContaining({ details: '\ufffd: is no text', retryable: false }),
    );
  });
});
