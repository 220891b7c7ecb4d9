import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_DOCUMENT_BYTES, fieldsBytes, fitDocument, fitsEasily, valueBytes } from './document.ts';

const RUNS = process.env['TEST_SIZE'] === 'all' ? 60 : 25;
/** Bytes that Firestore keeps for the names in a document's path: each name and one byte, and 16 for the whole. */
const nameBytes = (...names: string[]): number => names.reduce((sum, name) => sum + name.length + 1, 16);

describe("Firestore's own example, users/jeff/tasks/my_task_id", () => {
  const task = { type: 'Personal', done: false, priority: 1, description: 'Learn Cloud Firestore' };

  it('is 147 bytes: 44 for its name, 71 for its fields, 32 for the document', () => {
    expect(nameBytes('users', 'jeff', 'tasks', 'my_task_id')).toBe(44);
    expect(fieldsBytes(task)).toBe(71 + 32);
    expect(44 + fieldsBytes(task)).toBe(147);
  });
});

describe('valueBytes', () => {
  it.each<[string, unknown, number]>([
    ['nothing', null, 1],
    ['true', true, 1],
    ['a number', 12.5, 8],
    ['an empty text', '', 1],
    ['a text', 'abc', 4],
    ['a text of two-byte characters', 'äöü', 7],
    ['a text of four-byte characters', '😀', 5],
    ['half a character, which is stored as U+FFFD', '\ud800', 4],
    ['bytes', new Uint8Array(10), 10],
    ['an array', [1, 'abc', true], 13],
    ['an empty array', [], 0],
    ['a map', { a: 1 }, 32 + 2 + 8],
    ['a map in a map', { a: { b: 'c' } }, 32 + 2 + 32 + 2 + 2],
    ['a map without prototype', Object.assign(Object.create(null), { a: 1 }), 32 + 2 + 8],
  ])('counts %s', (_what, value, bytes) => {
    expect(valueBytes(value)).toBe(bytes);
  });

  it('never counts a time as less than its 8 bytes', () => {
    expect(valueBytes(new Date(0))).toBeGreaterThanOrEqual(8);
  });
});

const AUDIO = { metadata: 'audioMetadata', texts: [] };
const FAILURE = {
  metadata: 'audioErrorMetadata',
  texts: [
    ['audioErrorDetails', 0],
    ['audioError', 200],
  ] as const,
};
const fits = (rest: Record<string, unknown>, change: Record<string, unknown>): boolean =>
  fieldsBytes({ ...rest, ...change }) <= MAX_DOCUMENT_BYTES - 1_500 - 4_000;
const KB = 'x'.repeat(1_000);
const metadataOf = (kilobytes: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: kilobytes }, (_, index) => [`f${index}`, KB]));

describe('fitsEasily', () => {
  it('is true only of fields that fit, in whatever letters', () => {
    const letters = fc.constantFrom('x', 'é', '€', '😀', '\ud800');
    fc.assert(
      fc.property(letters, fc.nat(1_100), fc.nat(1_100), (letter, kilobytes, moreKilobytes) => {
        const fields = { text: letter.repeat(kilobytes * 100), at: new Date(0), map: { é: [true, null] } };
        const more = { more: letter.repeat(moreKilobytes * 100) };
        expect(!fitsEasily(fields, more) || fits(fields, more)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('is true of every story that a page may write', () => {
    expect(fitsEasily({ text: '朗'.repeat(20_000) }, { audioStatus: 'ready' })).toBe(true);
  });
});

describe('fitDocument', () => {
  it('leaves a change that fits as it is', () => {
    const change = { audioStatus: 'ready', audioMetadata: { a: 1 } };
    expect(fitDocument({ text: KB }, change, AUDIO)).toBe(change);
  });

  it('cuts the metadata first, keeps the order and marks it', () => {
    const rest = { text: 'y'.repeat(1_000_000) };
    const change = { audioStatus: 'ready', audioMetadata: { first: 1, big: 'z'.repeat(50_000), last: 'w' } };
    const fitted = fitDocument(rest, change, AUDIO);
    expect(fitted).toEqual({
      audioStatus: 'ready',
      audioMetadata: { _altered: ['too-large'], first: 1, last: 'w' },
    });
  });

  it('keeps what was said of earlier alterations', () => {
    const rest = { text: 'y'.repeat(1_030_000) };
    const change = {
      audioMetadata: { a: 1, big: 'z'.repeat(50_000), _altered: ['nested-array', 'long-text'] },
    };
    expect(fitDocument(rest, change, AUDIO)).toEqual({
      audioMetadata: { a: 1, _altered: ['nested-array', 'long-text', 'too-large'] },
    });
  });

  it('drops the metadata when there is no room for any, then gives up', () => {
    const change = { audioStatus: 'failed', audioErrorMetadata: metadataOf(20) };
    const outcomes = Array.from({ length: 100 }, (_, step) => {
      const rest = { text: 'y'.repeat(1_039_900 + 4 * step) };
      const fitted = fitDocument(rest, change, FAILURE);
      if (fitted === undefined) return 'refused';
      expect(fits(rest, fitted)).toBe(true);
      expect(fitted['audioStatus']).toBe('failed');
      return Object.hasOwn(fitted, 'audioErrorMetadata') ? 'cut' : 'dropped';
    });
    expect(outcomes.filter((outcome, index) => outcome !== outcomes[index - 1])).toEqual([
      'cut',
      'dropped',
      'refused',
    ]);
  });

  it('refuses a change that is too large without any metadata', () => {
    expect(fitDocument({}, { audioUrl: 'e'.repeat(1_048_576) }, FAILURE)).toBeUndefined();
  });

  it('cuts the details, then the words, before it gives up', () => {
    const change = {
      audioStatus: 'failed',
      audioError: 'é'.repeat(4_000),
      audioErrorDetails: 'd'.repeat(4_000),
      audioErrorMetadata: metadataOf(20),
    };
    const outcomes = Array.from({ length: 300 }, (_, step) => {
      const rest = { text: 'y'.repeat(1_020_000 + 100 * step) };
      const fitted = fitDocument(rest, change, FAILURE);
      if (fitted === undefined) return 'refused';
      expect(fits(rest, fitted)).toBe(true);
      expect(change.audioError.startsWith(String(fitted['audioError']))).toBe(true);
      if (fitted['audioErrorMetadata'] !== undefined) return 'metadata cut';
      if (fitted['audioErrorDetails'] === change.audioErrorDetails) return 'metadata dropped';
      if (fitted['audioErrorDetails'] !== undefined) return 'details cut';
      return 'words cut';
    });
    expect(outcomes.filter((outcome, index) => outcome !== outcomes[index - 1])).toEqual([
      'metadata cut',
      'metadata dropped',
      'details cut',
      'words cut',
      'refused',
    ]);
  });

  it('what fits is within the limit, and only metadata was taken away', () => {
    const kilobytes = fc.nat({ max: 1_200 });
    fc.assert(
      fc.property(kilobytes, kilobytes, fc.nat({ max: 300 }), (restKb, metadataKb, errorKb) => {
        const rest = { text: KB.repeat(restKb) };
        const change = { audioError: KB.repeat(errorKb), meta: metadataOf(metadataKb) };
        const fitted = fitDocument(rest, change, { metadata: 'meta', texts: [] });
        const { meta, ...bare } = change;
        const isHopeless = fieldsBytes({ ...rest, ...bare }) > MAX_DOCUMENT_BYTES - 10_000;
        expect(fitted !== undefined || isHopeless).toBe(true);
        const { meta: kept = {}, ...others }: Record<string, unknown> = fitted ?? bare;
        expect(others).toEqual(bare);
        expect(fitted === undefined || fits(rest, fitted)).toBe(true);
        const { _altered, ...entries } = kept as Record<string, unknown>;
        expect(Object.entries(entries).every(([name, value]) => meta[name] === value)).toBe(true);
        expect(_altered === undefined).toBe(fitted === change || fitted?.['meta'] === undefined);
      }),
      { numRuns: RUNS },
    );
  });
});
