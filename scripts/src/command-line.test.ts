import { describe, expect, it } from 'vitest';
import { parseHttpUrl, sentenceOf, UsageError } from './command-line.ts';

describe('sentenceOf', () => {
  it.each([
    ['a sentence', new Error('the port is taken'), 'the port is taken'],
    ['a word', new Error('deadline-exceeded'), 'it failed with "deadline-exceeded"'],
    ['what is no error', 'internal', 'it failed with "internal"'],
    [
      'a fault with its causes',
      new Error('the tour stopped', {
        cause: new Error('fetch failed', { cause: new Error('ECONNREFUSED') }),
      }),
      'the tour stopped: fetch failed: ECONNREFUSED',
    ],
  ])('makes a sentence of %s', (_what, error, sentence) => {
    expect(sentenceOf(error)).toBe(sentence);
  });
});

describe('parseHttpUrl', () => {
  it('takes http and https', () => {
    expect(parseHttpUrl('url', 'https://a.example/b').href).toBe('https://a.example/b');
  });

  it.each(['nonsense', 'localhost:5000', 'ftp://a.example', ''])('refuses "%s"', (text) => {
    expect(() => parseHttpUrl('url', text)).toThrow(UsageError);
  });
});
