import * as fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isWellFormed } from './document.ts';
import { ALTERED_FIELD, storableMetadata } from './document.ts';

const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length;

/** Why Firestore would refuse the value, or undefined. Written from its documentation, not from the code. */
const faultOf = (value: unknown, depth: number, path: string, isInArray: boolean): string | undefined => {
  if (value === undefined || typeof value === 'function' || typeof value === 'bigint') return 'no such type';
  if (typeof value === 'string') return isWellFormed(value) ? undefined : 'broken text';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > 20) return 'too deep';
  if (Array.isArray(value)) {
    if (isInArray) return 'array in array';
    return value
      .map((item: unknown) => faultOf(item, depth + 1, path, true))
      .find((fault) => fault !== undefined);
  }
  for (const [name, item] of Object.entries(value)) {
    if (name === '' || /^__.*__$/s.test(name)) return 'reserved name';
    if (!isWellFormed(name)) return 'broken name';
    if (utf8Bytes(`${path}.${name}`) > 1500) return 'long path';
    const fault = faultOf(item, depth + 1, `${path}.${name}`, false);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

/** Metadata stands in a field of a document, so its own map is at depth 1 and its names have one before them. */
const refusal = (metadata: unknown): string | undefined => faultOf(metadata, 1, 'audioErrorMetadata', false);

const oddNames = fc.constantFrom(
  '__x__',
  '____',
  '',
  '_altered',
  '__proto__',
  'constructor',
  'a.b',
  '\ud800',
  '\udc00',
  'field',
  "field'1",
  '0',
  `${'n'.repeat(300)}1`,
  `${'n'.repeat(300)}2`,
  'é'.repeat(900),
);
const oddTexts = fc.constantFrom(
  '\ud800',
  'x\udfff',
  '😀',
  'y'.repeat(16_384),
  'z'.repeat(16_385),
  `${'w'.repeat(16_383)}😀`,
);
const { tree: oddTree } = fc.letrec((tie) => ({
  leaf: fc.oneof(
    oddTexts,
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
  array: fc.array(tie('tree'), { maxLength: 3 }),
  map: fc.dictionary(fc.oneof(oddNames, fc.string()), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  tree: fc.oneof({ maxDepth: 30, depthSize: 'large' }, tie('leaf'), tie('array'), tie('map')),
}));
const oddMetadata = fc.dictionary<string, unknown>(oddNames, oddTree, { maxKeys: 8, noNullPrototype: true });
const jsonMetadata = fc
  .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }))
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

describe('laws of storable metadata', () => {
  it('Firestore can hold what comes out, whatever went in', () => {
    fc.assert(
      fc.property(fc.oneof(oddMetadata, jsonMetadata), (metadata) => {
        expect(refusal(storableMetadata(metadata))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('nothing changes, and nothing is marked, where nothing had to', () => {
    fc.assert(
      fc.property(fc.oneof(oddMetadata, jsonMetadata), (metadata) => {
        const result = storableMetadata(metadata);
        const isAltered = Object.hasOwn(result, ALTERED_FIELD);
        const isSame = isDeepStrictEqual(result, metadata) && !Object.hasOwn(metadata, ALTERED_FIELD);
        expect(isAltered).toBe(!isSame);
      }),
      { numRuns: 500 },
    );
  });

  it('no entry is lost, and the input stays as it was', () => {
    fc.assert(
      fc.property(oddMetadata, (metadata) => {
        const before = JSON.stringify(metadata);
        const { [ALTERED_FIELD]: _marks, ...result } = storableMetadata(metadata);
        expect(Object.keys(result)).toHaveLength(Object.keys(metadata).length);
        expect(JSON.stringify(metadata)).toBe(before);
      }),
    );
  });
});

const nested = (levels: number, leaf: unknown = 1): Record<string, unknown> => {
  let value: unknown = leaf;
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value as Record<string, unknown>;
};

describe('storableMetadata', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['an array in an array', { m: [[1, 2], 3] }, { m: [{ 0: 1, 1: 2 }, 3], _altered: ['nested-array'] }],
    ['three arrays', { m: [[[1]]] }, { m: [{ 0: [1] }], _altered: ['nested-array'] }],
    ['a map between arrays is fine', { m: [{ x: [1] }] }, { m: [{ x: [1] }] }],
    ['a reserved name', { __type__: 1 }, { field__type__: 1, _altered: ['reserved-name'] }],
    ['a reserved name below', { a: { __x__: 1 } }, { a: { field__x__: 1 }, _altered: ['reserved-name'] }],
    ['no name', { '': 1 }, { field: 1, _altered: ['reserved-name'] }],
    ['our own mark in the input', { _altered: 'me' }, { field_altered: 'me', _altered: ['reserved-name'] }],
    ['namesakes', { field: 1, '': 2 }, { field: 1, "field'1": 2, _altered: ['reserved-name'] }],
    [
      'a namesake of a changed name',
      { field: 1, "field'2": 2, '': 3 },
      { field: 1, "field'2": 2, "field'2'": 3, _altered: ['reserved-name'] },
    ],
    ['half a character', { a: 'x\ud800' }, { a: 'x\ufffd', _altered: ['broken-text'] }],
    ['half a character in a name', { 'a\udc00': 1 }, { 'a\ufffd': 1, _altered: ['broken-text'] }],
    ['names with dots', { 'a.b': 1, 'c`': 2 }, { 'a.b': 1, 'c`': 2 }],
    ['names that every object has', { constructor: 1, toString: 2 }, { constructor: 1, toString: 2 }],
    ['null and numbers', { a: null, b: 1.5, c: -0.1, d: false }, { a: null, b: 1.5, c: -0.1, d: false }],
    ['nothing', {}, {}],
  ])('%s', (_what, input, expected) => {
    expect(storableMetadata(input)).toEqual(expected);
  });

  it('takes __proto__ for a name like any other', () => {
    const result = storableMetadata(JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>);
    expect(result).toEqual({ field__proto__: { polluted: true }, _altered: ['reserved-name'] });
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  });

  it('cuts text after 16,384 characters, never through a character', () => {
    expect(storableMetadata({ a: 'x'.repeat(16_384) })).toEqual({ a: 'x'.repeat(16_384) });
    expect(storableMetadata({ a: 'x'.repeat(16_385) })).toEqual({
      a: `${'x'.repeat(16_384)}…`,
      _altered: ['long-text'],
    });
    const cut = storableMetadata({ a: `${'x'.repeat(16_383)}😀` })['a'];
    expect(isWellFormed(String(cut))).toBe(true);
  });

  it('cuts long names and keeps namesakes apart', () => {
    const result = storableMetadata({ [`${'n'.repeat(300)}1`]: 1, [`${'n'.repeat(300)}2`]: 2 });
    expect(result).toEqual({ ['n'.repeat(300)]: 1, [`${'n'.repeat(300)}'1`]: 2, _altered: ['long-name'] });
  });

  it.each(['n', 'é', '漢', '😀'])(
    'cuts names of %s after 300 bytes, never through a character',
    (character) => {
      const size = utf8Bytes(character);
      const fitting = character.repeat(Math.floor(300 / size));
      expect(storableMetadata({ [fitting]: 1 })).toEqual({ [fitting]: 1 });
      expect(storableMetadata({ [`x${fitting}`]: 1 })).toEqual({
        [`x${character.repeat(Math.floor(299 / size))}`]: 1,
        _altered: ['long-name'],
      });
    },
  );

  it('leaves out what stands below a path that is too long, though it is not deep', () => {
    const long = 'n'.repeat(250);
    const deep = { [long]: [{ [long]: { [long]: { [long]: { last: 1 } } } }] };
    expect(storableMetadata(deep)).toEqual({
      [long]: [{ [long]: { [long]: { [long]: '[left out: nested too deep]' } } }],
      _altered: ['too-deep'],
    });
    expect(storableMetadata({ a: { b: { ['n'.repeat(300)]: 1 } } })).not.toHaveProperty(ALTERED_FIELD);
  });

  it('keeps thousands of namesakes short, and apart in no time', () => {
    const halves = Array.from({ length: 2_048 }, (_, index) => String.fromCharCode(0xd800 + index));
    const names = halves.flatMap((half) => [half, `${half}${halves[0]}`, `${half}${halves[1]}`]);
    // Quadratic time would be minutes, past the test's timeout.
    const { [ALTERED_FIELD]: marks, ...result } = storableMetadata(
      Object.fromEntries(names.map((name) => [name, 1])),
    );
    expect(Object.keys(result)).toHaveLength(names.length);
    expect(Math.max(...Object.keys(result).map(utf8Bytes))).toBeLessThan(50);
    expect(marks).toEqual(['broken-text']);
  });

  it('keeps 18 levels and says where it left out more', () => {
    expect(storableMetadata(nested(18))).toEqual(nested(18));
    expect(storableMetadata(nested(19))).toEqual({
      ...nested(18, '[left out: nested too deep]'),
      _altered: ['too-deep'],
    });
  });

  it.each(['{"a":', '['])('survives 100,000 levels of %s', (opening) => {
    const closing = opening === '[' ? ']' : '}';
    const json = `{"m":${opening.repeat(100_000)}1${closing.repeat(100_000)}}`;
    const result = storableMetadata(JSON.parse(json) as Record<string, unknown>);
    expect(refusal(result)).toBeUndefined();
    expect(result[ALTERED_FIELD]).toContain('too-deep');
  });

  it('lists each kind of change once', () => {
    const result = storableMetadata({ a: [[[1], [2]], [3]], __b__: { __c__: 1 } });
    expect(result[ALTERED_FIELD]).toEqual(['nested-array', 'reserved-name']);
  });
});
