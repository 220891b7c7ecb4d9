import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isErrorCode } from '../errors/catalogue.ts';
import { DEFAULT_STORY_LIMITS, type StoryLimits, checkStory } from './check-story.ts';

const limits = {
  minCharacters: 3,
  maxCharacters: 40,
  languages: [
    'en',
    'de',
    'fr',
    'ru',
    'uk',
    'bg',
    'ja',
    'zh',
    'ko',
    'ar',
    'fa',
    'ur',
    'he',
    'hi',
    'el',
    'ta',
    'th',
  ],
} satisfies StoryLimits;
const verdict = (text: string, language = 'en'): string => {
  const check = checkStory({ text, language }, limits);
  return check.ok ? 'ok' : check.code;
};

describe('checkStory', () => {
  it.each([
    ['', 'text_empty'],
    [' \n\t ', 'text_empty'],
    ['\ufeff', 'text_empty'],
    ['ab', 'text_too_short'],
    ['  ab  ', 'text_too_short'],
    ['abc', 'ok'],
    ['x'.repeat(40), 'ok'],
    [`  ${'x'.repeat(40)}  `, 'ok'],
    ['x'.repeat(41), 'text_too_long'],
    ['abc\0def', 'text_encoding_invalid'],
    ['abc\u0007', 'text_encoding_invalid'],
    ['abc\ufffddef', 'text_encoding_invalid'],
    ['abc\ud800', 'text_encoding_invalid'],
    ['abc\u0085', 'text_encoding_invalid'],
    ['Line\nline\r\nline\ttab\fpage', 'ok'],
    ['!!! ... ???', 'text_not_speakable'],
    ['😀😀😀', 'text_not_speakable'],
    ['\u200b\u200b\u200b', 'text_not_speakable'],
    ['1984', 'ok'],
    ['Hello 😀😀😀', 'ok'],
    ['Жили-были', 'script_unsupported'],
    ['Zoë said “déjà vu” in São Paulo', 'ok'],
    ['e\u0301te\u0301', 'ok'],
    ['Łódź, Straße, Þór', 'ok'],
    ['He said Жук twice', 'ok'],
    ['ab жу', 'ok'],
    ['a жук', 'script_unsupported'],
    ['日本 123 456', 'script_unsupported'],
  ])('%j is %s in English', (text, code) => {
    expect(verdict(text)).toBe(code);
  });

  it.each([
    ['de', 'Es war einmal'],
    ['fr', 'Il était une fois'],
    ['ru', 'Жили-были'],
    ['uk', 'Жила-була'],
    ['bg', 'Имало едно време'],
    ['el', 'Μια φορά'],
    ['he', 'היה היה פעם'],
    ['ar', 'كان يا ما كان'],
    ['ar', 'كـــــــــان'],
    ['fa', 'یکی بود یکی نبود'],
    ['ur', 'ایک دفعہ کا ذکر ہے'],
    ['hi', 'एक समय की बात है'],
    ['ta', 'ஒரு காலத்தில்'],
    ['th', 'กาลครั้งหนึ่ง'],
    ['ja', '昔々あるところに'],
    ['ja', 'えーーーーー'],
    ['ja', 'スーパーマーケット'],
    ['zh', '从前有一个人'],
    ['ko', '옛날 옛적에'],
  ])('takes %s in its own script: %s', (language, text) => {
    expect(verdict(text, language)).toBe('ok');
    expect(verdict('Once upon a time', language)).toBe(
      ['de', 'fr'].includes(language) ? 'ok' : 'script_unsupported',
    );
  });

  it.each(['en', 'en-US', 'en_GB', 'EN', 'en-Latn-US'])('takes %s for English', (language) => {
    expect(verdict('Once upon a time', language)).toBe('ok');
  });

  it.each(['', 'tlh', 'english', '-', 'constructor', '__proto__', '日本'])(
    'does not know the language %j',
    (language) => {
      expect(checkStory({ text: 'Once upon a time', language }, limits)).toMatchObject({
        ok: false,
        code: 'language_unsupported',
        field: 'language',
      });
    },
  );

  it.each(['en', 'tlh', 'pt_BR', 'zh-Hant-TW', 'english'])(
    'takes %s where every language is spoken',
    (language) => {
      const { languages: _languages, ...any } = limits;
      const text = language.startsWith('zh') ? '從前有一個國王' : 'Once upon a time';
      expect(checkStory({ text, language }, any)).toEqual({ ok: true });
      expect(checkStory({ text, language }, { ...any, languages: undefined })).toEqual({ ok: true });
    },
  );

  it.each(['', '-', 'e', 'constructor', '__proto__', '日本', 'en; de'])(
    'takes no language for %j where every language is spoken',
    (language) => {
      const check = checkStory({ text: 'Once upon a time', language }, { ...limits, languages: undefined });
      expect(check).toEqual({
        ok: false,
        code: 'language_unsupported',
        field: 'language',
        sentence: `language: "${language}" is not a language tag such as "en"`,
      });
    },
  );

  it('names the field first, and the limit', () => {
    expect(checkStory({ text: 'x'.repeat(41), language: 'en' }, limits)).toEqual({
      ok: false,
      code: 'text_too_long',
      field: 'text',
      sentence: 'text: must be at most 40 characters, not 41',
    });
  });

  it('ends in ok or a code of the catalogue for any text', () => {
    const anyText = fc
      .array(fc.integer({ min: 0, max: 0xffff }))
      .map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(anyText, fc.constantFrom(...limits.languages), (text, language) => {
        const check = checkStory({ text, language }, limits);
        expect(check.ok || isErrorCode(check.code)).toBe(true);
        expect(check.ok || check.sentence.startsWith(`${check.field}: `)).toBe(true);
      }),
    );
  });

  it('has defaults that a short English story passes', () => {
    expect(checkStory({ text: 'A', language: 'en' }, DEFAULT_STORY_LIMITS)).toEqual({ ok: true });
    expect(checkStory({ text: 'a'.repeat(20_001), language: 'en' }, DEFAULT_STORY_LIMITS).ok).toBe(false);
  });
});
