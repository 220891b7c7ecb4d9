import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentIdFault, isWellFormed, toWellFormed } from './document.ts';

describe('documentIdFault', () => {
  it.each([
    ['', 'must not be empty'],
    ['a/b', 'must not contain a slash'],
    ['/', 'must not contain a slash'],
    ['.', 'must not be "." or ".."'],
    ['..', 'must not be "." or ".."'],
    ['__x__', 'must not start and end with two underscores'],
    ['____', 'must not start and end with two underscores'],
    ['__a\nb__', 'must not start and end with two underscores'],
    ['a\0b', 'must be valid Unicode text without NUL'],
    ['\ud800', 'must be valid Unicode text without NUL'],
    ['a\udc00b', 'must be valid Unicode text without NUL'],
    ['x'.repeat(1501), 'must be at most 1500 bytes'],
    ['é'.repeat(751), 'must be at most 1500 bytes'],
    ['😀'.repeat(376), 'must be at most 1500 bytes'],
  ])('refuses example %#', (id, fault) => {
    expect(documentIdFault(id)).toBe(fault);
  });

  it.each([
    'story123',
    '...',
    '.a',
    '__',
    '___',
    '__x',
    'x__',
    'a b',
    'ä',
    '😀',
    '%2F',
    '__proto_',
    'constructor',
    'x'.repeat(1500),
    'é'.repeat(750),
    '😀'.repeat(375),
  ])('accepts example %#', (id) => {
    expect(documentIdFault(id)).toBeUndefined();
  });
});

describe('well-formed text', () => {
  const anyText = fc.string({ unit: 'binary' });
  const anyUnits = fc
    .array(fc.oneof(fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.integer({ min: 0, max: 0xffff })))
    .map((units) => String.fromCharCode(...units));

  it('is what survives a round trip through UTF-8', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, anyUnits), (text) => {
        const throughUtf8 = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
          new TextEncoder().encode(text),
        );
        expect(isWellFormed(text)).toBe(throughUtf8 === text);
        expect(toWellFormed(text)).toBe(throughUtf8);
      }),
    );
  });

  it('replaces each half of a pair that stands alone, and no whole pair', () => {
    expect(toWellFormed('a\ud83d😀\ude00\ud800b')).toBe('a\ufffd😀\ufffd\ufffdb');
  });
});
