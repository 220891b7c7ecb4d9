import { JOB_EXTRAS, ttsJobEvent } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NarrationJob, parseEvent } from './parse-event.ts';

const job = (event: unknown): NarrationJob => {
  const parsed = parseEvent(event);
  if (!parsed.ok) throw new Error(`refused: ${parsed.error.message}`);
  return parsed.job;
};

const needed = { text: 'Once upon a time.', voice_id: 'slt' };
const withInput = (fields: object, outer: object = {}): NarrationJob =>
  job({ id: 'j', ...outer, input: { ...needed, ...fields } });

const isTextOrNothing = (value: unknown): boolean => value === undefined || typeof value === 'string';
const isFiniteOrNothing = (value: unknown): boolean => value === undefined || Number.isFinite(value);

describe('parseEvent', () => {
  it('reads a job as the source handlers are given it, and ignores what it does not know', () => {
    const metadata = {
      user_id: 'u1',
      story_id: 's1',
      voice_name: 'Ann',
      callback_url: 'https://a.example/api/tts/callback',
      storage_path: 'private/users/u1/x.mp3',
      anything: [1],
    };
    const input = {
      text: 'Once upon a time.',
      voice_id: 'slt',
      profile_base64: 'AAAA',
      language: 'en-GB',
      story_type: 'app',
      is_kids_voice: true,
      model_type: 'chatterbox',
      story_name: 'The Tide',
      genre: 'fable',
      pause_scale: 1.5,
      speed: 0.9,
      temperature: 0.7,
      bucket_name: 'old',
      metadata,
    };
    expect(job({ id: 'job-1', input, unknown: true })).toEqual({
      jobId: 'job-1',
      storyId: 's1',
      userId: 'u1',
      callbackUrl: 'https://a.example/api/tts/callback',
      text: 'Once upon a time.',
      voiceId: 'slt',
      voiceName: 'Ann',
      language: 'en-GB',
      storyType: 'app',
      storyName: 'The Tide',
      genre: 'fable',
      isKidsVoice: true,
      modelType: 'chatterbox',
      pauseScale: 1.5,
      speed: 0.9,
      recording: { base64: 'AAAA' },
      allowsOtherVoice: false,
      style: { temperature: 0.7 },
      storagePath: 'private/users/u1/x.mp3',
      metadata,
    });
  });

  it('reads the fields that a job can be queued with, and no others', () => {
    const read = new Set<string>();
    const watched = (fields: object): object =>
      new Proxy(fields, {
        get: (target, name) => {
          if (typeof name === 'string') read.add(name);
          return Reflect.get(target, name);
        },
      });
    parseEvent({ id: 'j', input: watched({ ...needed, metadata: watched({}) }) });
    const rest = {
      voiceName: 'Ann',
      title: 'T',
      language: 'en',
      storyType: 'user',
      callbackUrl: 'https://a.example/',
    };
    const named = { jobId: 'j', attempt: 1, storyId: 's', userId: 'u', text: 'Once.', voiceId: 'v', ...rest };
    const { input } = ttsJobEvent(named);
    const queued = new Set([...Object.keys({ ...input, ...input.metadata }), ...Object.keys(JOB_EXTRAS)]);
    // Other spellings of `genre`, and the id that dispatch adds.
    for (const name of ['story_genre', 'storyGenre', 'job_id']) expect(read.delete(name)).toBe(true);
    // It replaces `profile_base64` before the job is queued.
    expect(read.delete('recording_path')).toBe(true);
    // Only Python handlers read the names, and only our own side the attempt.
    for (const name of ['output_basename', 'output_filename', 'attempt'])
      expect(queued.delete(name)).toBe(true);
    expect([...read].sort()).toEqual([...queued].sort());
  });

  it.each([
    [{ profile_base64: 'AA', profile_path: 'p' }, { base64: 'AA' }],
    [{ profile_path: 'p', metadata: { profile_base64: 'AA' } }, { path: 'p' }],
    [{ recording_path: 'r', profile_path: 'p' }, { path: 'r' }],
    [{ metadata: { profile_base64: 'AA' } }, { base64: 'AA' }],
    [{ profile_base64: null, profile_path: ' ', metadata: { profile_path: 'p' } }, { path: 'p' }],
    [{ profile_base64: 7, metadata: null }, undefined],
    [{}, undefined],
  ])('finds in the input %j the recording %j', (fields, expected) => {
    const outer = { metadata: { profile_path: 'elsewhere' } };
    expect(withInput(fields, outer).recording).toEqual(expected);
  });

  it('reads a recording and a style beside the text or in the metadata, and never echoes the recording', () => {
    const inMetadata = { profile_base64: 'AAAA', profile_path: 'voices/a.wav', cfg_weight: '0.4', kept: 1 };
    expect(withInput({ metadata: inMetadata })).toMatchObject({
      recording: { base64: 'AAAA' },
      style: { cfgWeight: 0.4 },
      metadata: { profile_path: 'voices/a.wav', cfg_weight: '0.4', kept: 1 },
    });
    expect(withInput({ metadata: inMetadata }).metadata).not.toHaveProperty('profile_base64');
    expect(withInput({ allow_other_voice: true, exaggeration: 1.5 })).toMatchObject({
      allowsOtherVoice: true,
      style: { exaggeration: 1.5 },
    });
    expect(withInput({}).style).toBeUndefined();
  });

  it.each([
    ['high', 'high'],
    ['low', 'low'],
    ['urgent', undefined],
    [null, undefined],
    [1, undefined],
  ])('reads the priority %j as %j, beside the text or in the metadata', (priority, expected) => {
    expect(job({ input: { ...needed, priority } }).priority).toBe(expected);
    expect(job({ input: { ...needed, metadata: { priority } } }).priority).toBe(expected);
  });

  it('needs nothing but text and voice', () => {
    expect(job({ input: needed })).toEqual({
      text: 'Once upon a time.',
      voiceId: 'slt',
      language: 'en',
      storyType: 'user',
      isKidsVoice: false,
      allowsOtherVoice: false,
      metadata: {},
    });
  });

  describe('takes a field from the first place that holds it', () => {
    const places = {
      input: (name: string, value: unknown) => ({ [name]: value }),
      metadata: (name: string, value: unknown) => ({ metadata: { [name]: value } }),
    };
    const read: Record<string, (found: NarrationJob) => unknown> = {
      user_id: ({ userId }) => userId,
      story_id: ({ storyId }) => storyId,
      story_name: ({ storyName }) => storyName,
      voice_name: ({ voiceName }) => voiceName,
      storage_path: ({ storagePath }) => storagePath,
      callback_url: ({ callbackUrl }) => callbackUrl,
      voice_id: ({ voiceId }) => voiceId,
      language: ({ language }) => language,
      story_type: ({ storyType }) => storyType,
      genre: ({ genre }) => genre,
      model_type: ({ modelType }) => modelType,
    };
    const METADATA_FIRST = [
      'user_id',
      'story_id',
      'story_name',
      'voice_name',
      'storage_path',
      'callback_url',
    ];

    it.each(Object.keys(read))('%s, in input and in its metadata', (name) => {
      const both = { ...places.input(name, 'from-input'), ...places.metadata(name, 'from-metadata') };
      const winner = METADATA_FIRST.includes(name) ? 'from-metadata' : 'from-input';
      expect(read[name]?.(withInput(both))).toBe(winner);
      for (const empty of [undefined, null, '', '  ']) {
        const loser = winner === 'from-metadata' ? 'from-input' : 'from-metadata';
        const emptied =
          winner === 'from-metadata'
            ? { ...places.input(name, loser), ...places.metadata(name, empty) }
            : { ...places.input(name, empty), ...places.metadata(name, loser) };
        expect(read[name]?.(withInput(emptied))).toBe(loser);
      }
    });

    it('callback_url: the input’s metadata, the event’s metadata, the input', () => {
      const [one, two, three] = ['https://1.example/', 'https://2.example/', 'https://3.example/'];
      const outer = { metadata: { callback_url: two } };
      const inner = { callback_url: one };
      expect(withInput({ callback_url: three, metadata: inner }, outer).callbackUrl).toBe(one);
      expect(withInput({ callback_url: three }, outer).callbackUrl).toBe(two);
      expect(withInput({ callback_url: three }).callbackUrl).toBe(three);
    });

    it.each([
      [{ genre: 'a', story_genre: 'b', storyGenre: 'c' }, 'a'],
      [{ story_genre: 'b', storyGenre: 'c' }, 'b'],
      [{ storyGenre: 'c', metadata: { genre: 'd' } }, 'c'],
      [{ metadata: { genre: 'd' } }, 'd'],
    ])('genre in %o', (fields, genre) => {
      expect(withInput(fields).genre).toBe(genre);
    });

    it('the job id: the metadata, then the event, then the input', () => {
      const input = { ...needed, job_id: 'c', metadata: { job_id: 'b' } };
      expect(job({ id: 'a', input }).jobId).toBe('b');
      expect(job({ id: 'a', input: { ...needed, job_id: 'c' } }).jobId).toBe('a');
      expect(job({ input: { ...needed, job_id: 'c' } }).jobId).toBe('c');
    });
  });

  it.each([
    ['1.5', 1.5],
    [' 2 ', 2],
    [0.5, 0.5],
    [0, 0],
    ['', undefined],
    ['fast', undefined],
    [Number.NaN, undefined],
    ['Infinity', undefined],
    [null, undefined],
    [[1], undefined],
    [true, undefined],
  ])('reads the number %o as %o', (given, expected) => {
    expect(withInput({ pause_scale: given, speed: given })).toMatchObject({
      pauseScale: expected,
      speed: expected,
    });
  });

  it('takes ids that came as numbers', () => {
    expect(
      job({ id: 7, input: { ...needed, voice_id: 3, metadata: { story_id: 42, user_id: 0 } } }),
    ).toMatchObject({ jobId: '7', voiceId: '3', storyId: '42', userId: '0' });
  });

  it.each([
    [{ is_kids_voice: true }, true],
    [{ is_kids_voice: false, metadata: { is_kids_voice: true } }, false],
    [{ metadata: { is_kids_voice: true } }, true],
    [{ is_kids_voice: 'yes' }, false],
  ])('is_kids_voice in %o', (fields, expected) => {
    expect(withInput(fields).isKidsVoice).toBe(expected);
  });

  describe('refuses, knowing whom to tell', () => {
    const metadata = { story_id: 's', user_id: 'u', callback_url: 'https://a.example/api/tts/callback' };
    const told = {
      jobId: 'j',
      storyId: 's',
      userId: 'u',
      callbackUrl: 'https://a.example/api/tts/callback',
      metadata,
    };

    it.each([
      ['no text', { voice_id: 'v' }, 'text_empty', 'v', /input\.text/],
      ['blank text', { text: ' \n', voice_id: 'v' }, 'text_empty', 'v', /input\.text/],
      ['text that is a list', { text: ['a'], voice_id: 'v' }, 'text_empty', 'v', /input\.text/],
      ['no voice', { text: 'a' }, 'request_invalid', undefined, /voice_id/],
      ['a blank voice', { text: 'a', voice_id: ' ' }, 'request_invalid', undefined, /voice_id/],
    ] as const)('%s', (_, fields, code, voiceId, details) => {
      const parsed = parseEvent({ id: 'j', input: { ...fields, metadata } });
      expect(parsed).toMatchObject({ ok: false, identity: { ...told, voiceId }, error: { code } });
      expect(!parsed.ok && parsed.error.details).toMatch(details);
    });

    it.each(['a/b', '..', '__x__', 'x'.repeat(1501), 'a\ud800'])('the job id %j', (id) => {
      expect(parseEvent({ id, input: { ...needed, metadata } })).toMatchObject({
        ok: false,
        identity: { storyId: 's' },
        error: { code: 'request_invalid', details: expect.stringMatching(/^id: /) },
      });
    });
  });

  describe('survives anything', () => {
    it.each([undefined, null, 1, 'text', [], [{}], { input: null }, { input: [] }, { input: 'x' }])(
      '%o',
      (event) => {
        expect(parseEvent(event)).toMatchObject({ ok: false, error: { code: 'text_empty' } });
      },
    );

    it('of any shape', () => {
      fc.assert(
        fc.property(fc.oneof(fc.anything(), fc.jsonValue()), (event) => {
          expect(parseEvent(event)).toHaveProperty('ok');
        }),
      );
    });

    it('in any field: what comes out is text, a number, or nothing', () => {
      const names = ['text', 'voice_id', 'language', 'speed', 'pause_scale', 'genre', 'story_id', 'user_id'];
      const fields = fc.dictionary(
        fc.constantFrom(...names, 'callback_url', 'storage_path', 'voice_name', 'job_id', 'metadata'),
        fc.anything(),
      );
      fc.assert(
        fc.property(fields, fields, fields, fc.anything(), (input, inner, outer, id) => {
          const parsed = parseEvent({ id, metadata: outer, input: { metadata: inner, ...needed, ...input } });
          const { jobId, storyId, userId, callbackUrl, voiceId, metadata } = parsed.ok
            ? parsed.job
            : parsed.identity;
          expect([jobId, storyId, userId, callbackUrl, voiceId].every(isTextOrNothing)).toBe(true);
          expect(typeof metadata).toBe('object');
          if (!parsed.ok) return;
          const { text, language, genre, speed, pauseScale } = parsed.job;
          expect([text, language].every((value) => typeof value === 'string' && value.trim() !== '')).toBe(
            true,
          );
          expect(isTextOrNothing(genre)).toBe(true);
          expect([speed, pauseScale].every(isFiniteOrNothing)).toBe(true);
        }),
      );
    });
  });
});
