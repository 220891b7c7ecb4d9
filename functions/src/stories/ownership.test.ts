import { audioKey } from '@taleback/core/storage';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findForeignPlace, isOfOtherUser } from './ownership.ts';

const at = (path: string, owners = { userId: 'ann', requestedBy: undefined as string | undefined }) =>
  findForeignPlace([{ field: 'storage_path', path }], owners)?.field;

describe('the user that a message names', () => {
  it.each([
    ['no user', undefined, 'ann', undefined, false],
    ['the owner', 'ann', 'ann', undefined, false],
    ['any user, of a story without an owner', 'eve', undefined, undefined, false],
    ['the requester of the attempt, of a story that has another owner now', 'ann', 'bob', 'ann', false],
    ['a third user', 'eve', 'bob', 'ann', true],
    ['another user', 'eve', 'ann', undefined, true],
    ['the owner in other letters', 'Ann', 'ann', undefined, true],
  ])('%s', (_what, userId, owner, requestedBy, expected) => {
    expect(isOfOtherUser(userId, { userId: owner, requestedBy })).toBe(expected);
  });
});

describe('where the audio may lie', () => {
  it.each([
    'private/users/ann/stories/audio/en/s1/j1.mp3',
    '/private/users/ann/stories/audio/x.mp3',
    'audio/stories/s1.mp3',
    'users/eve/x.mp3',
    'public/stories/x.mp3',
    'private/users/unknown/stories/audio/en/s1/j1.mp3',
    'gs://bucket/private/users/ann/x.mp3',
    'https://cdn.example/private/users/ann/x.mp3?token=private/users/eve/',
    'https://cdn.example/audio/x.mp3',
    'notprivate/users/eve/x.mp3',
    'a..b/..x.mp3',
    '100%/x.mp3',
  ])('%s', (path) => {
    expect(at(path)).toBeUndefined();
  });

  it.each([
    'private/users/eve/stories/audio/en/s1/j1.mp3',
    '/private/users/eve/x.mp3',
    'bucket/private/users/eve/x.mp3',
    'gs://bucket/private/users/eve/x.mp3',
    'https://cdn.example/private/users/eve/x.mp3',
    'https://cdn.example/audio/../private/users/eve/x.mp3',
    'PRIVATE/Users/eve/x.mp3',
    'private//users///eve/x.mp3',
    'private\\users\\eve\\x.mp3',
    'private%2Fusers%2Feve%2Fx.mp3',
    'private%252Fusers%252Feve/x.mp3',
    'private/users/annie/x.mp3',
    'private/users/ann/private/users/eve/x.mp3',
    'private/users/ann/../eve/x.mp3',
    'private/users/ann/%2e%2e/eve/x.mp3',
    './x.mp3',
    '..',
    'private/users/',
  ])('not %s', (path) => {
    expect(at(path)).toBe('storage_path');
  });

  it('is the folder of who asked for the attempt, though the story has gone to another', () => {
    const path = 'private/users/ann/x.mp3';
    expect(at(path, { userId: 'bob', requestedBy: 'ann' })).toBeUndefined();
    expect(at(path, { userId: 'bob', requestedBy: undefined })).toBe('storage_path');
  });

  it('knows a user again in the spelling of the worker', () => {
    const userIds = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      fc.constantFrom(
        'a/b',
        'a%20b',
        'a b',
        '.hidden',
        "o'neil",
        'x'.repeat(250),
        '文'.repeat(60),
        "'".repeat(90),
      ),
    );
    fc.assert(
      fc.property(userIds, (userId) => {
        fc.pre(!/(?:^|[/\\])\.\.?(?:[/\\]|$)/.test(userId) && !/[/\\]{2}|\\|^\/|\/$|private/i.test(userId));
        const path = audioKey({ userId, storyId: 's', language: 'en', version: 'j' });
        expect(at(path, { userId, requestedBy: undefined })).toBeUndefined();
      }),
    );
  });

  it('ends in good time, whatever the path', () => {
    // Quadratic time would be minutes, past the test's timeout.
    for (const path of ['private/users/', '%25', '/'.repeat(7), '../', '%2f..'])
      expect(() => at(path.repeat(30_000))).not.toThrow();
  });
});
