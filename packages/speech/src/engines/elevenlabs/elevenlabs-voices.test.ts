import { describe, expect, it } from 'vitest';
import { parseVoices } from './elevenlabs-voices.ts';

const OF_MODEL = ['en', 'de', 'fil'];

const languagesOf = (entry: Readonly<Record<string, unknown>>): readonly string[] | undefined =>
  parseVoices(Buffer.from(JSON.stringify({ voices: [{ voice_id: 'v1', ...entry }] })), OF_MODEL)[0]
    ?.languages;

describe('the language of a voice', () => {
  it.each([
    ['de', ['de', 'en', 'fil']],
    ['en-us', ['en-US', 'en', 'de', 'fil']],
    [' DE ', ['de', 'en', 'fil']],
    ['fil', ['fil', 'en', 'de']],
    ['zh-Hant-TW', ['zh-Hant-TW', 'en', 'de', 'fil']],
  ])('is its label %j', (language, expected) => {
    expect(languagesOf({ labels: { language } })).toEqual(expected);
  });

  it.each(['English', 'american', 'en US', 'en_US', 'e', 'en-', 'none', 'und', '', '-', 7, null])(
    'is not the words %j',
    (language) => {
      expect(languagesOf({ labels: { language } })).toEqual(OF_MODEL);
      const verified = [
        { language: 'German' },
        null,
        { language: 'de', locale: 'de-DE' },
        { language: 'en' },
      ];
      expect(languagesOf({ labels: { language }, verified_languages: verified })).toEqual([
        'de',
        'en',
        'fil',
      ]);
    },
  );

  it('is unknown when nothing tells of it', () => {
    expect(languagesOf({ labels: {}, verified_languages: [{ language: 'German' }] })).toEqual(OF_MODEL);
    expect(languagesOf({ verified_languages: null })).toEqual(OF_MODEL);
  });
});
