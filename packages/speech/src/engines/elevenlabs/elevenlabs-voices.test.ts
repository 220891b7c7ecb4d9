import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseVoices, voiceSettingsOf } from './elevenlabs-voices.ts';

const OF_MODEL = ['en', 'de', 'fil'];

const languagesOf = (entry: Readonly<Record<string, unknown>>): readonly string[] | undefined =>
  parseVoices({ voices: [{ voice_id: 'v1', ...entry }] }, OF_MODEL)[0]?.languages;

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

  it('is unknown when nothing reports it', () => {
    expect(languagesOf({ labels: {}, verified_languages: [{ language: 'German' }] })).toEqual(OF_MODEL);
    expect(languagesOf({ verified_languages: null })).toEqual(OF_MODEL);
  });
});

describe('voiceSettingsOf', () => {
  test.each([
    [undefined, 1, undefined],
    [{}, 1, undefined],
    [{ cfgWeight: 0.9 }, 1, undefined],
    [{ exaggeration: 0.5, temperature: 0.8 }, 1, { style: 0, stability: 0.5 }],
    [{ exaggeration: 2 }, 1, { style: 1 }],
    [{ exaggeration: 0.25 }, 1, { style: 0 }],
    [{ temperature: 0.05 }, 1, { stability: 0.97 }],
    [{ temperature: 5 }, 1, { stability: 0 }],
    [undefined, 1.1, { speed: 1.1 }],
    [undefined, 0.5, { speed: 0.7 }],
    [undefined, 2, { speed: 1.2 }],
  ])('%j at speed %d is %j', (style, speed, settings) => {
    expect(voiceSettingsOf(style, speed)).toEqual(settings);
  });

  test('stays within what the service takes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.25, max: 2, noNaN: true }),
        fc.double({ min: 0.05, max: 5, noNaN: true }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (exaggeration, temperature, speed) => {
          const {
            style = 0,
            stability = 0,
            speed: asked = 1,
          } = voiceSettingsOf({ exaggeration, temperature }, speed) ?? {};
          expect(Math.min(style, stability)).toBeGreaterThanOrEqual(0);
          expect(Math.max(style, stability)).toBeLessThanOrEqual(1);
          expect(asked).toBeGreaterThanOrEqual(0.7);
          expect(asked).toBeLessThanOrEqual(1.2);
        },
      ),
    );
  });
});
