import { describe, expect, test } from 'vitest';
import { chooseVoice, findVoice, type SpeechEngine } from './engine.ts';

const engine: SpeechEngine = {
  name: 'two-tongues',
  languages: ['en', 'de'],
  concurrency: 1,
  voices: () => [
    { id: 'ann', name: 'Ann', languages: ['en-US'] },
    { id: 'bea', name: 'Bea', languages: ['de-DE', 'de-AT'] },
  ],
  prepareText: (text) => text,
  synthesizeChunk: () => Promise.reject(new Error('not spoken here')),
};

describe('chooseVoice', () => {
  test.each([
    ['en', 'ann'],
    ['EN-gb', 'ann'],
    ['de_CH', 'bea'],
  ])('for %s without a wish takes %s', (language, id) => {
    expect(chooseVoice(engine, { language }).id).toBe(id);
  });

  test("without a wish takes no person's own voice while there is another", () => {
    const mum = { id: 'mum', name: 'Mum', languages: ['en', 'de'], isCloned: true } as const;
    const withMum = { ...engine, voices: () => [mum, ...engine.voices()] };
    expect(chooseVoice(withMum, { language: 'en' }).id).toBe('ann');
    expect(chooseVoice(withMum, { voiceId: 'mum', language: 'en' }).id).toBe('mum');
    expect(chooseVoice({ ...engine, voices: () => [mum] }, { language: 'en' }).id).toBe('mum');
  });

  test('takes the voice asked for', () => {
    expect(chooseVoice(engine, { voiceId: 'bea', language: 'de' }).id).toBe('bea');
  });

  test.each([
    [{ language: 'fr' }, 'language_unsupported'],
    [{ language: '' }, 'language_unsupported'],
    [{ language: 'eng' }, 'language_unsupported'],
    [{ language: 'fr', voiceId: 'nobody' }, 'language_unsupported'],
    [{ language: 'en', voiceId: 'nobody' }, 'voice_not_found'],
    [{ language: 'en', voiceId: 'bea' }, 'voice_language_mismatch'],
  ])('refuses %j as %s', (wish, code) => {
    expect(() => chooseVoice(engine, wish)).toThrow(expect.objectContaining({ code }));
  });
});

test('findVoice names the voice and the voices there are', () => {
  expect(() => findVoice(engine, 'zoe')).toThrow(
    expect.objectContaining({ message: 'There is no voice "zoe".', details: 'two-tongues has ann, bea' }),
  );
});
