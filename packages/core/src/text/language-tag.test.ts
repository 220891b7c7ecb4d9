import { describe, expect, it } from 'vitest';
import { isLanguageTag, primaryLanguage } from './check-story.ts';

describe('primaryLanguage', () => {
  it.each([
    ['en', 'en'],
    ['en-GB', 'en'],
    ['pt_BR', 'pt'],
    ['ZH-Hant-TW', 'zh'],
    ['', ''],
  ])('%j is %j', (language, primary) => {
    expect(primaryLanguage(language)).toBe(primary);
  });
});

describe('isLanguageTag', () => {
  it.each(['en', 'EN', 'yue', 'pt_BR', 'zh-Hant-TW', 'de-CH-1996', 'sl-rozaj-biske', 'es-419', 'en-x-twain'])(
    'takes %j',
    (tag) => expect(isLanguageTag(tag)).toBe(true),
  );

  it.each([
    '',
    'e',
    '-',
    'en-',
    '-en',
    'en--GB',
    'en GB',
    'en-GB,de',
    'constructor',
    '__proto__',
    '日本',
    '419',
    'en\n',
    `en${'-abcdefgh'.repeat(4)}`,
  ])('refuses %j', (text) => expect(isLanguageTag(text)).toBe(false));
});
