import { describe, expect, test } from 'vitest';
import { KOKORO_LANGUAGES, KOKORO_VOICES, kokoroVoice, langCodeOf } from './kokoro-voices.ts';
import { parseModelIds, parseVoiceIds } from './kokoro-engine.ts';

describe('a voice by its name', () => {
  test.each([
    ['af_heart', 'Heart', 'en-US', 'female'],
    ['am_michael', 'Michael', 'en-US', 'male'],
    ['bm_george', 'George', 'en-GB', 'male'],
    ['ef_dora', 'Dora', 'es', 'female'],
    ['ff_siwis', 'Siwis', 'fr', 'female'],
    ['hm_omega', 'Omega', 'hi', 'male'],
    ['im_nicola', 'Nicola', 'it', 'male'],
    ['jf_gongitsune', 'Gongitsune', 'ja', 'female'],
    ['pm_santa', 'Santa', 'pt-BR', 'male'],
    ['zf_xiaoxiao', 'Xiaoxiao', 'zh', 'female'],
    ['af_v0bella', 'V0bella', 'en-US', 'female'],
    ['af_two_words', 'Two Words', 'en-US', 'female'],
    ['my_own', 'my_own', 'en-US', undefined],
    ['bf_emma(2)+af_sky', 'bf_emma(2)+af_sky', 'en-GB', undefined],
  ])('%s', (id, name, language, gender) => {
    expect(kokoroVoice(id)).toMatchObject({ id, name, languages: [language] });
    expect(kokoroVoice(id).gender).toBe(gender);
  });

  test('the known ones speak every language', () => {
    expect(new Set(KOKORO_VOICES.flatMap(({ languages }) => languages))).toEqual(new Set(KOKORO_LANGUAGES));
  });
});

test.each([
  ['af_heart', undefined, undefined],
  ['af_heart', 'en-gb', 'b'],
  ['bf_emma', 'en', undefined],
  ['zf_xiaobei', 'zh-CN', undefined],
  ['pf_dora', 'pt', undefined],
  ['my_own', undefined, 'a'],
  ['my_own', 'en-GB', 'b'],
  ['my_own', 'en', 'a'],
  ['bf_emma(2)+af_sky', undefined, undefined],
])('the code of %s for %s', (id, language, code) => {
  expect(langCodeOf(kokoroVoice(id), language)).toBe(code);
});

test.each<[unknown, string[]]>([
  [{ voices: [{ id: 'a', name: 'A' }, { id: 'b' }] }, ['a', 'b']],
  [{ voices: ['a', 'b', 'a', '', 5, null] }, ['a', 'b']],
  [{ voices: {} }, []],
  ['voices', []],
  [null, []],
])('the voices in %j', (json, ids) => {
  expect(parseVoiceIds(json)).toEqual(ids);
});

test.each<[unknown, string[]]>([
  [{ data: [{ id: 'kokoro' }, {}] }, ['kokoro']],
  [{ data: 'kokoro' }, []],
  [null, []],
])('the models in %j', (json, ids) => {
  expect(parseModelIds(json)).toEqual(ids);
});
