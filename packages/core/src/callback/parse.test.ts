import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseErrorCallback, parseProgress, parseSuccessCallback } from './parse.ts';
import type { Parsed } from './parse.ts';
import { documentIdFault, isWellFormed } from '../storable/document.ts';

const parsers = { parseErrorCallback, parseProgress, parseSuccessCallback } as const;
const names = Object.keys(parsers) as readonly (keyof typeof parsers)[];

/** The smallest body that each parser accepts. */
const smallest = {
  parseErrorCallback: { story_id: 's1', error: 'boom' },
  parseProgress: { story_id: 's1', job_id: 'j1', stage: 'synthesizing' },
  parseSuccessCallback: { story_id: 's1', audio_url: 'https://h.test/a.mp3' },
} as const;

const optional = {
  parseErrorCallback: ['error_details', 'user_id', 'voice_id', 'job_id', 'metadata'],
  parseProgress: ['progress'],
  parseSuccessCallback: [
    'user_id',
    'voice_id',
    'voice_name',
    'storage_path',
    'r2_path',
    'language',
    'job_id',
    'duration_ms',
    'metadata',
  ],
} as const;

const required = {
  parseErrorCallback: ['story_id', 'error'],
  parseProgress: ['story_id', 'job_id', 'stage'],
  parseSuccessCallback: ['story_id'],
} as const;

const everyOptional = names.flatMap((name) => optional[name].map((field) => [name, field] as const));
const everyRequired = names.flatMap((name) => required[name].map((field) => [name, field] as const));
const fieldOf = (result: Parsed<unknown>): string | undefined => (result.ok ? undefined : result.field);

describe.each(everyOptional)('%s, optional %s', (name, field) => {
  const parse = parsers[name];
  const bare = parse(smallest[name]);

  it('may be absent or null', () => {
    expect(bare.ok).toBe(true);
    expect(parse({ ...smallest[name], [field]: null })).toEqual(bare);
  });

  it('is refused by name when its type is wrong', () => {
    const isNumber = field === 'progress' || field === 'duration_ms';
    const wrong = field === 'metadata' ? [1, 'x', true, [], [{}]] : [isNumber ? 'x' : 1, true, [], {}, ['x']];
    for (const value of wrong) {
      const result = parse({ ...smallest[name], [field]: value });
      expect(fieldOf(result)).toBe(field);
      expect(!result.ok && result.sentence).toMatch(new RegExp(`^${field}: must be `));
    }
  });
});

describe.each(everyOptional.filter(([, field]) => !['metadata', 'progress', 'duration_ms'].includes(field)))(
  '%s, optional text %s',
  (name, field) => {
    it('counts as absent when it is empty', () => {
      expect(parsers[name]({ ...smallest[name], [field]: '' })).toEqual(parsers[name](smallest[name]));
    });
  },
);

describe.each(everyRequired)('%s, required %s', (name, field) => {
  it('is said to be required when it is absent', () => {
    const { [field]: _left, ...body } = smallest[name] as Record<string, unknown>;
    expect(parsers[name](body)).toEqual({ ok: false, field, sentence: `${field}: is required` });
  });

  it('is refused by name when it is null, empty or of a wrong type', () => {
    // A failure is not refused for blank words.
    const blank = field === 'error' ? [] : [null, ''];
    for (const value of [...blank, 1, true, [], {}]) {
      expect(fieldOf(parsers[name]({ ...smallest[name], [field]: value }))).toBe(field);
    }
  });
});

describe.each(names)('%s', (name) => {
  const parse = parsers[name];

  it('refuses a body that is no object', () => {
    for (const body of [null, undefined, 'text', 1, true, [], [smallest[name]]]) {
      expect(parse(body)).toEqual({ ok: false, field: 'body', sentence: 'body: must be a JSON object' });
    }
  });

  it('ignores fields it does not know, whatever they are called', () => {
    const json = JSON.stringify(smallest[name]).replace(
      /^\{/,
      '{"__proto__":{"job_id":"polluted","story_id":"x"},"constructor":{"prototype":{}},"toString":1,"extra":[[[]]],',
    );
    expect(parse(JSON.parse(json))).toEqual(parse(smallest[name]));
    expect(({} as Record<string, unknown>)['job_id']).toBeUndefined();
  });

  it('does not take required fields from the prototype', () => {
    const json = JSON.stringify({ nested: smallest[name] }).replace('"nested"', '"__proto__"');
    expect(parse(JSON.parse(json)).ok).toBe(false);
  });

  it.each(['story_id', 'job_id'])('refuses a %s that Firestore cannot hold', (field) => {
    for (const id of ['a/b', '.', '..', '__x__', 'x'.repeat(1501), '\ud800', 'a\udfff', 'a\0b']) {
      const result = parse({ ...smallest[name], [field]: id });
      expect(!result.ok && result.sentence).toBe(`${field}: ${documentIdFault(id)}`);
    }
  });
});

const isSound = (value: unknown): boolean =>
  value === undefined ||
  Number.isFinite(value) ||
  (typeof value === 'string' && value !== '' && isWellFormed(value));

/** What is wrong with a result, if anything. */
const faultOf = (result: Parsed<Readonly<Record<string, unknown>>>): string | undefined => {
  if (!result.ok) {
    const isTold = result.field !== '' && result.sentence.startsWith(`${result.field}: `);
    return isTold && !result.sentence.includes('undefined') ? undefined : 'the field is not told';
  }
  const { storyId, jobId, metadata, ...others } = result.value;
  const ids = [storyId, ...(jobId === undefined ? [] : [jobId])];
  if (ids.some((id) => documentIdFault(id as string) !== undefined)) return 'an id cannot be stored';
  if (metadata !== undefined && Object.keys(metadata as object).length === 0) return 'empty metadata';
  return Object.entries(others).find(([, value]) => !isSound(value))?.[0];
};

describe('laws of parsing', () => {
  const nearly = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('s1', 'https://h.test/a', '', null, 0.5, '\ud800', 'a/b', 'x') },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
  const fields = [...new Set(names.flatMap((name) => [...optional[name], ...required[name], 'audio_url']))];
  const changes = fc.dictionary(fc.constantFrom(...fields), nearly, { maxKeys: 4 });

  it.each(names)('%s ends in a value or in a field with a sentence, for any JSON', (name) => {
    fc.assert(
      fc.property(fc.jsonValue(), changes, (anything, change) => {
        for (const body of [anything, { ...smallest[name], ...change }]) {
          const result = parsers[name](body) as Parsed<Readonly<Record<string, unknown>>>;
          expect(faultOf(result)).toBeUndefined();
        }
      }),
      { numRuns: 400 },
    );
  });
});
