import * as fc from 'fast-check';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toWellFormed } from '../storable/document.ts';
import { audioKey, isNarrationKey, trustedStoragePath } from './audio-key.ts';

const awkward = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.constantFrom('..', '.', '../..', '/etc/passwd', '%2e%2e', '.hidden', 'a\\..\\b', '\0', '\ud800', '~'),
);

/** Letters that a file system, a bucket and an address all leave alone. */
const SAFE_SEGMENT = /^[\w%-][\w.%-]*$/;
/** A draft beside it ends in 42 more characters; file systems hold 255. */
const MAX_SEGMENT_CHARACTERS = 200;

const keyOf = (storyId: string): string =>
  audioKey({ userId: 'u', storyId, language: 'en', version: storyId });

describe('audioKey', () => {
  it('lays the audio out as the source systems do', () => {
    expect(audioKey({ userId: 'u1', storyId: 's1', language: 'en-GB', version: 'job-1' })).toBe(
      'private/users/u1/stories/audio/en-GB/s1/job-1.mp3',
    );
    expect(audioKey({ userId: undefined, storyId: 's1', language: 'en', version: 'j' })).toBe(
      'private/users/unknown/stories/audio/en/s1/j.mp3',
    );
  });

  it('never leaves its folder, hides a file or makes a name that cannot be kept, whatever the ids', () => {
    fc.assert(
      fc.property(awkward, awkward, awkward, awkward, (userId, storyId, language, version) => {
        const key = audioKey({ userId, storyId, language, version });
        const segments = key.split('/');
        expect(segments).toHaveLength(8);
        expect(posix.normalize(key)).toBe(key);
        expect(key).toMatch(/^private\/users\/.*\.mp3$/s);
        for (const segment of segments) expect(segment).toMatch(SAFE_SEGMENT);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps names of any length within what a file system holds, and still apart', () => {
    const long = 'Сказка о мёртвой царевне и о семи богатырях. '.repeat(10);
    for (const segment of keyOf(long).split('/')) {
      expect(segment.length).toBeLessThanOrEqual(MAX_SEGMENT_CHARACTERS);
      expect(segment).toMatch(SAFE_SEGMENT);
    }
    expect(keyOf(`${long}1`)).not.toBe(keyOf(`${long}2`));
    expect(keyOf(long)).toBe(keyOf(long));
  });

  it('gives other parts another key', () => {
    const parts = fc.record({
      userId: awkward,
      storyId: awkward,
      language: fc.constant('en'),
      version: awkward,
    });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const isSame = ['userId', 'storyId', 'version'].every((name) => {
          const field = name as 'userId' | 'storyId' | 'version';
          return toWellFormed(one[field]) === toWellFormed(other[field]);
        });
        expect(audioKey(one) === audioKey(other)).toBe(isSame);
      }),
    );
  });
});

describe('isNarrationKey', () => {
  it.each([
    'private/users/u1/stories/audio/en/s1/j.mp3',
    'private/users/voices/stories/audio/recordings/profiles/voices.mp3',
    'private/users/u1/tide.mp3',
    'tales/tide.mp3',
    'voices.mp3',
  ])('holds for %s', (key) => {
    expect(isNarrationKey(key)).toBe(true);
  });

  it.each([
    'private/users/u1/voices/ann.mp3',
    'private/users/u1/Voices/ann.mp3',
    'private/users/u1/recordings/ann.mp3',
    'private/users/u1/anything/ann.mp3',
    'private/ann.mp3',
    'tales/private/users/u1/voices/ann.mp3',
    'voices/ann.mp3',
    'recordings/2026-11-30/private/users/u1/x.mp3',
    'failed_callbacks/2026-11-30/s1.mp3',
    'private/users/u1/stories/audio/en/s1/j.mp3.json',
    'private/users/u1/voices/ann.wav',
    'tide.wav',
  ])('does not hold for %s', (key) => {
    expect(isNarrationKey(key)).toBe(false);
  });
});

describe('trustedStoragePath', () => {
  it.each(['a.mp3', 'private/users/u1/stories/audio/en/s1/j.mp3', 'a-b_c/1.2.mp3', 'a%20b/c.mp3'])(
    'takes %s',
    (path) => {
      expect(trustedStoragePath(path)).toBe(path);
    },
  );

  it.each([
    undefined,
    '',
    '/a.mp3',
    '../a.mp3',
    'a/../b.mp3',
    'a..mp3',
    './a.mp3',
    'a/./b.mp3',
    'a//b.mp3',
    'a\\b.mp3',
    'C:\\a.mp3',
    'a.mp3/',
    'a.wav',
    'private/users/u1/voices/ann.mp3',
    'a.mp3.json',
    'a.mp3\0',
    'a\n.mp3',
    'https://a.example/x.mp3',
    '.mp3',
    '.ssh/a.mp3',
    'a/.hidden.mp3',
    `${'x'.repeat(201)}.mp3`,
    `${'ab/'.repeat(400)}a.mp3`,
  ])('does not trust %j', (path) => {
    expect(trustedStoragePath(path)).toBeUndefined();
  });

  it('never trusts a path that leads elsewhere', () => {
    const pieces = fc.array(fc.oneof(awkward, fc.constantFrom('a', 'b.mp3', '/', '.mp3')), { maxLength: 6 });
    fc.assert(
      fc.property(pieces, fc.constantFrom('', '/'), (parts, glue) => {
        const path = `${parts.join(glue)}.mp3`;
        const trusted = trustedStoragePath(path);
        if (trusted === undefined) return;
        expect(trusted).toBe(path);
        expect(posix.join('/root', trusted)).toBe(`/root/${trusted}`);
        for (const segment of trusted.split('/')) expect(segment).toMatch(SAFE_SEGMENT);
      }),
      { numRuns: 500 },
    );
  });
});
