import { describe, expect, test } from 'vitest';
import { EDGE_VOICES, parseVoiceList } from './edge-voices.ts';

const listOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('EDGE_VOICES', () => {
  test('begins with the pair that replaces each other, and speaks 12 languages', () => {
    expect(EDGE_VOICES.slice(0, 2)).toEqual([
      { id: 'de-DE-KillianNeural', name: 'Killian', languages: ['de-DE'], gender: 'male' },
      { id: 'de-DE-ConradNeural', name: 'Conrad', languages: ['de-DE'], gender: 'male' },
    ]);
    expect(new Set(EDGE_VOICES.map(({ id }) => id)).size).toBe(24);
    expect(new Set(EDGE_VOICES.map(({ languages }) => languages[0]?.slice(0, 2))).size).toBe(12);
  });
});

describe('parseVoiceList', () => {
  test('puts the well-known first and leaves out what is no voice or is gone', () => {
    const list = [
      { ShortName: 'sv-SE-SofieNeural', Locale: 'sv-SE', Gender: 'Female', Status: 'GA' },
      { ShortName: 'de-DE-ConradNeural', Locale: 'de-DE', Gender: 'Neutral' },
      { ShortName: 'de-DE-KillianNeural', Locale: 'de-DE', Gender: 'Male', Status: 'Deprecated' },
      { ShortName: 7, Locale: 'de-DE' },
      null,
      'en-US-GuyNeural',
    ];
    expect(parseVoiceList(listOf(list))).toEqual([
      { id: 'de-DE-ConradNeural', name: 'Conrad', languages: ['de-DE'] },
      { id: 'sv-SE-SofieNeural', name: 'Sofie', languages: ['sv-SE'], gender: 'female' },
    ]);
  });

  test.each([[listOf([])], [listOf({ voices: [] })], [Buffer.from('<html>')], [new Uint8Array(0)]])(
    'refuses an answer without a voice',
    (body) => {
      expect(() => parseVoiceList(body)).toThrow(
        expect.objectContaining({ code: 'provider_unavailable' }) as Error,
      );
    },
  );
});
