import { describe, expect, it } from 'vitest';
import { type Engine, readEngine } from '../documents/engine.ts';
import {
  areNarratorsAway,
  firstLanguage,
  firstVoiceId,
  keepLanguage,
  languagesOf,
  otherVoiceId,
  voiceLabel,
  voiceOf,
  voicesFor,
  voicesOf,
} from './voices.ts';

const engine = (name: string, state: string, languages: readonly string[], ids: readonly string[]): Engine =>
  readEngine(name, {
    name,
    state,
    languages,
    voices: ids.map((id) => ({ id, name: `${name} ${id}` })),
    expiresAt: 1,
  });

const idsOf = (voices: readonly { readonly id: string }[]): readonly string[] => voices.map(({ id }) => id);

describe('the voices', () => {
  it('are the ones that we always had, while no one reports any engine', () => {
    const known = voicesOf([]);
    expect(idsOf(known)).toEqual(['slt', 'rms', 'awb', 'kal16']);
    expect(known.every((voice) => voice.presence === 'there' && voice.engine === undefined)).toBe(true);
    expect(voicesOf([engine('empty', 'ready', ['en'], [])])).toEqual([]);
  });

  it('are those of the engines, of which the ones that speak come first', () => {
    const voices = voicesOf([
      engine('a', 'unavailable', ['en'], ['both', 'lost']),
      engine('b', 'degraded', ['de'], ['both', 'own']),
    ]);
    expect(voices.map((voice) => [voice.id, voice.engine, voice.presence])).toEqual([
      ['both', 'b', 'there'],
      ['own', 'b', 'there'],
      ['lost', 'a', 'away'],
    ]);
  });

  it('are offered by language, and all when no one is known to speak it', () => {
    const voices = voicesOf([engine('a', 'ready', ['en'], ['x']), engine('b', 'ready', ['de'], ['y'])]);
    expect(idsOf(voicesFor(voices, 'de-AT'))).toEqual(['y']);
    expect(idsOf(voicesFor(voices, 'fi'))).toEqual(['x', 'y']);
  });

  it('are called what the engine, the page, the story or no one calls them', () => {
    const voices = voicesOf([engine('a', 'ready', ['en'], ['x'])]);
    expect(voiceLabel(voices, 'x', 'Old name')).toBe('a x');
    expect(voiceLabel(voices, 'rms', undefined)).toBe('Robert');
    expect(voiceLabel(voices, 'gone', 'Old name')).toBe('Old name');
    expect(voiceLabel(voices, 'gone', undefined)).toBe('gone');
    expect(voiceLabel(voices, undefined, undefined)).toBe('No voice');
  });

  it('begin with the usual one if it is there, and give way to one that is', () => {
    const away = engine('a', 'unavailable', ['en'], ['slt', 'rms']);
    const there = engine('b', 'ready', ['en'], ['x', 'y']);
    expect(firstVoiceId(voicesOf([]))).toBe('slt');
    expect(firstVoiceId(voicesOf([away, there]))).toBe('x');
    expect(firstVoiceId(voicesOf([away]))).toBe('slt');
    expect(otherVoiceId(voicesOf([away, there]), 'x')).toBe('y');
    expect(otherVoiceId(voicesOf([away]), 'slt')).toBe('rms');
    expect(otherVoiceId(voicesOf([]), 'slt')).toBe('rms');
    expect(otherVoiceId(voicesOf([engine('a', 'ready', ['en'], ['x'])]), 'x')).toBe('x');
  });

  it('may be unknown, and then are called what they were called', () => {
    const voices = voicesOf([engine('a', 'unavailable', ['en'], ['x'])]);
    expect(voiceOf(voices, 'x', 'Old name')).toBe(voices[0]);
    expect(voiceOf(voices, 'gone', 'Old name')).toMatchObject({
      id: 'gone',
      name: 'Old name',
      engine: undefined,
      presence: 'unknown',
    });
  });
});

describe('the languages', () => {
  it('are those of the engines, each with whether anybody who speaks it is there', () => {
    expect(languagesOf([])).toEqual([{ code: 'en', presence: 'there' }]);
    expect(languagesOf([engine('empty', 'ready', [], [])])).toEqual([]);
    const engines = [engine('a', 'unavailable', ['en', 'fr'], []), engine('b', 'degraded', ['en'], [])];
    expect(languagesOf(engines)).toEqual([
      { code: 'en', presence: 'there' },
      { code: 'fr', presence: 'away' },
    ]);
    expect(areNarratorsAway(engines, 'fr-CA')).toBe(true);
    expect(areNarratorsAway(engines, 'en')).toBe(false);
    expect(areNarratorsAway(engines, 'fi')).toBe(false);
    expect(areNarratorsAway([], 'en')).toBe(false);
  });

  it('begin with the usual one where it is spoken, and keep the one that is chosen', () => {
    const french = languagesOf([engine('a', 'ready', ['fr'], [])]);
    const both = languagesOf([engine('a', 'ready', ['fr', 'en'], [])]);
    expect([french, both, []].map(firstLanguage)).toEqual(['fr', 'en', 'en']);
    expect(keepLanguage(both, 'en')).toBe(both);
    expect(keepLanguage(french, 'en')).toEqual([
      { code: 'fr', presence: 'there' },
      { code: 'en', presence: 'unknown' },
    ]);
  });
});
