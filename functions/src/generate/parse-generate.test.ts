import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBase64 } from './parse-generate.ts';

const MEGABYTES = 4 * 2 ** 20;

describe('isBase64', () => {
  it.each(['AAAA', 'AA==', 'AAA=', 'AAA', ' AA\r\nAA == \n', '-_+/', 'a', 'AA=\n'])('takes %j', (text) => {
    expect(isBase64(text)).toBe(true);
  });

  it.each([
    '',
    ' ',
    '=',
    ' ==',
    'AA===',
    'AA= =',
    'A=A',
    'AA==A',
    'AA==\nAA',
    'not base64!',
    'AAAA\u00e4',
    'AA\0',
    'data:audio/wav;base64,AAAA',
  ])('refuses %j', (text) => {
    expect(isBase64(text)).toBe(false);
  });

  it('takes whatever Buffer writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect([isBase64(buffer.toString('base64')), isBase64(buffer.toString('base64url'))]).toEqual([
          true,
          true,
        ]);
      }),
    );
  });

  it.each([
    ['letters', 'A'.repeat(MEGABYTES), true],
    ['letters and one stray', `${'A'.repeat(MEGABYTES)}!`, false],
    ['white space and one stray', `A${' '.repeat(MEGABYTES)}!`, false],
    ['padding, white space and one stray', `A==${'\n'.repeat(MEGABYTES)}!`, false],
    ['padding without end', `A${'='.repeat(MEGABYTES)}`, false],
    ['lines', 'AAAA\r\n'.repeat(MEGABYTES / 6), true],
    ['white space alone', ' '.repeat(MEGABYTES), false],
  ])('looks once at megabytes of %s', { timeout: 2_000 }, (_, text, expected) => {
    // A pattern that goes back over its steps would take hours.
    expect(isBase64(text)).toBe(expected);
  });
});
