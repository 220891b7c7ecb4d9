import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAudioRequest } from './request-audio.ts';

describe('parseAudioRequest', () => {
  it.each([
    [{ storyId: 's' }, { storyId: 's', voiceId: undefined, language: undefined }],
    [
      { storyId: 's', voiceId: 'slt', language: 'en-GB', extra: 1 },
      { storyId: 's', voiceId: 'slt', language: 'en-GB' },
    ],
    [
      { storyId: 's', voiceId: null, language: '' },
      { storyId: 's', voiceId: undefined, language: undefined },
    ],
  ])('reads %o', (data, value) => {
    expect(parseAudioRequest(data)).toEqual({ ok: true, value });
  });

  it.each([
    [undefined, 'data'],
    [null, 'data'],
    ['s', 'data'],
    [[], 'data'],
    [{}, 'storyId'],
    [{ storyId: 7 }, 'storyId'],
    [{ storyId: '' }, 'storyId'],
    [{ storyId: 'a/b' }, 'storyId'],
    [{ storyId: '..' }, 'storyId'],
    [{ storyId: '__x__' }, 'storyId'],
    [{ storyId: 's', voiceId: 7 }, 'voiceId'],
    [{ storyId: 's', voiceId: 'v'.repeat(201) }, 'voiceId'],
    [{ storyId: 's', language: {} }, 'language'],
    [{ storyId: 's', language: 'l'.repeat(36) }, 'language'],
  ])('refuses %o, naming %s', (data, field) => {
    expect(parseAudioRequest(data)).toMatchObject({
      ok: false,
      field,
      sentence: expect.stringMatching(`^${field}: `),
    });
  });

  it('survives anything', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom('storyId', 'voiceId'), fc.anything())),
        (data) => {
          expect(parseAudioRequest(data)).toHaveProperty('ok');
        },
      ),
    );
  });
});
