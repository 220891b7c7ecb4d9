import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PIECE_LETTERS, splitText, spokenLength } from './split-text.ts';

const shape = (text: string, max: number, language: string): string[] =>
  splitText(text, max, language).map((piece) => `${piece.text}|${piece.ending}`);

describe('splitText of a language', () => {
  test('fills pieces with Chinese sentences, each character as long as a syllable', () => {
    expect(shape('天黑了。风停了。他走了。', 32, 'zh')).toEqual([
      '天黑了。风停了。|sentence',
      '他走了。|paragraph',
    ]);
  });

  test('cuts between Thai words, at blanks first, and keeps the blanks inside a piece', () => {
    expect(shape('กาลครั้งหนึ่ง นานมาแล้ว มีพระราชา', 25, 'th')).toEqual([
      'กาลครั้งหนึ่ง นานมาแล้ว|clause',
      'มีพระราชา|paragraph',
    ]);
    expect(shape('กาลครั้งหนึ่ง', 8, 'th')).toEqual(['กาลครั้ง|word', 'หนึ่ง|paragraph']);
  });

  test('leaves no French mark alone', () => {
    expect(shape('Quoi donc ? Rien du tout !', 12, 'fr')).toEqual([
      'Quoi donc ?|sentence',
      'Rien du|word',
      'tout !|paragraph',
    ]);
  });

  test.each([
    ['an accent', 'e\u0301'.repeat(20)],
    ['a family', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'.repeat(10)],
    ['a flag', '\u{1f1e9}\u{1f1ea}'.repeat(20)],
    ['a Hindi syllable', 'क्षि'.repeat(20)],
  ])('never cuts %s in two', (_, text) => {
    const whole = new Set(new Intl.Segmenter().segment(text)).values().next().value?.segment ?? '';
    for (const piece of splitText(text, 17)) expect(piece.text.length % whole.length).toBe(0);
  });

  const LANGUAGES = ['en', 'de', 'fr', 'es', 'ru', 'el', 'ar', 'hi', 'zh', 'ja', 'ko', 'th', 'xx', ''];
  const part = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom(
      '。',
      '！」',
      '? ',
      '; ',
      ' » ',
      '« ',
      '3. ',
      'z. B. ',
      'กาลครั้งหนึ่ง',
      '從前',
      '\n\n',
      'क्षि',
      'คน ',
    ),
    fc.integer({ min: 10, max: 300 }).map((length) => '語'.repeat(length)),
  );

  test('loses nothing, keeps the order and stays within the limit in every language', () => {
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 40, size: 'max' }).map((parts) => parts.join('')),
        fc.constantFrom(...LANGUAGES),
        fc.integer({ min: 4, max: 300 }),
        (text, language, max) => {
          const pieces = splitText(text, max, language);
          expect(pieces.map((piece) => piece.text.replace(/\s+/gu, '')).join('')).toBe(
            text.replace(/\s+/gu, ''),
          );
          for (const piece of pieces) {
            expect(piece.text).toBe(piece.text.trim());
            expect(piece.text).not.toBe('');
            expect(spokenLength(piece.text)).toBeLessThanOrEqual(max);
          }
        },
      ),
    );
  });

  test('gives a Chinese piece no more to say than an English one', () => {
    const [piece] = splitText('从前有一个人'.repeat(100), undefined, 'zh');
    expect(piece?.text.length).toBeLessThanOrEqual(MAX_PIECE_LETTERS / 4);
    expect(piece?.text.length).toBeGreaterThan(MAX_PIECE_LETTERS / 5);
  });

  test.each([
    ['zh', '从前'],
    ['th', 'กาลครั้ง'],
    ['ja', '「え！」'],
    ['fr', ' ?'],
    ['fr', '. »'],
    ['de', '3. '],
    ['hi', 'क्षि'],
    ['en', '\u{1f1e9}\u{1f1ea}'],
  ])('takes 50,000 of %s %j in its stride', (language, unit) => {
    expect(splitText(unit.repeat(50_000), undefined, language).length).toBeGreaterThan(1);
  });
});
