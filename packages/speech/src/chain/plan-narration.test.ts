import { JOB_RANGES } from '@taleback/core';
import { describe, expect, test } from 'vitest';
import { PAUSE_SCALE_RANGE } from '../audio/pcm.ts';
import { type SpeechEngine, SPEED_RANGE } from '../engines/engine.ts';
import { FLITE_PROFILE } from '../engines/flite/flite-engine.ts';
import { planNarration } from './plan-narration.ts';

const engine: SpeechEngine = {
  ...FLITE_PROFILE,
  concurrency: 1,
  synthesizeChunk: () => Promise.reject(new Error('nothing is spoken while planning')),
};

const plan = (text: string, more = {}) => planNarration(engine, { text, language: 'en', ...more });

describe('planNarration', () => {
  test('takes the numbers that a job may have', () => {
    expect(JOB_RANGES).toMatchObject({ speed: SPEED_RANGE, pause_scale: PAUSE_SCALE_RANGE });
  });

  test('fills in the defaults', () => {
    expect(plan('Hello.')).toMatchObject({ voice: { id: 'slt' }, speed: 1, pauseScale: 1 });
  });

  test('leaves out pieces with nothing to speak', () => {
    expect(plan('One.\n\n* * *\n\nTwo \u{1f600}.').pieces.map(({ text }) => text)).toEqual(['One.', 'Two .']);
  });

  test('speaks what the engine prepared', () => {
    expect(plan('Caf\u00e9\u2026').pieces).toEqual([{ text: 'Cafe...', ending: 'paragraph' }]);
  });

  test.each([
    ['', {}, 'text_empty'],
    [' \n\t ', {}, 'text_empty'],
    ['... !', {}, 'text_not_speakable'],
    ['\u{1f600}\u{1f600}', {}, 'text_not_speakable'],
    ['\u041f\u0440\u0438\u0432\u0435\u0442, world', {}, 'script_unsupported'],
    ['\u4f60\u597d', {}, 'script_unsupported'],
    ['Hello.', { language: 'fr' }, 'language_unsupported'],
    ['Hello.', { voiceId: 'nobody' }, 'voice_not_found'],
    ['Hello.', { speed: 3 }, 'request_invalid'],
    ['Hello.', { speed: Number.NaN }, 'request_invalid'],
    ['Hello.', { pauseScale: -1 }, 'request_invalid'],
  ])('refuses %j with %j as %s', (text, more, code) => {
    expect(() => plan(text, more)).toThrow(expect.objectContaining({ code }));
  });

  test('accepts a foreign word in the text', () => {
    expect(plan('She said \u041f\u0440\u0438\u0432\u0435\u0442 and left the old house.').pieces).toHaveLength(
      1,
    );
  });
});
