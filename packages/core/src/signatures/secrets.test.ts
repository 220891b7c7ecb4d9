import { createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseSecrets } from './secrets.ts';

const whsec = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}`;
const KEY = createHash('sha256').update('a key').digest();
const TEXT = 'shared-with-the-python-handlers';

describe('parseSecrets', () => {
  it('reads both kinds, in any order, with blanks', () => {
    const { standard, hmac, count } = parseSecrets(
      ` hmac_${TEXT} ,, ${whsec(KEY)},${KEY.toString('base64')}`,
    );
    expect([standard.map((key) => Buffer.from(key)), hmac, count]).toEqual([[KEY, KEY], [TEXT], 3]);
    expect(parseSecrets(' , ').count).toBe(0);
  });

  it.each([
    ['one character', 'hmac_x'],
    ['no character', 'hmac_'],
    ['23 characters', 'hmac_abcdefghijklmnopqrstuvw'],
    ['zero bytes', whsec(Buffer.alloc(24))],
    ['zero bytes as text', `hmac_${'\0'.repeat(40)}`],
    ['one byte again and again', whsec(Buffer.alloc(32, 7))],
    ['one character again and again', `hmac_${'k'.repeat(64)}`],
    ['a word again and again', `hmac_${'changeme'.repeat(4)}`],
    ['a word again and again, cut off', `hmac_${'password'.repeat(4).slice(0, 27)}`],
    ['bytes that count up', whsec(Uint8Array.from({ length: 32 }, (_, at) => at))],
    ['digits that count up', 'hmac_012345678901234567890123456789'],
    ['the alphabet', 'hmac_abcdefghijklmnopqrstuvwxyz'],
    ['two letters', 'hmac_aabbabababbabaababbbabaabbab'],
    ['one bit in zeros', whsec(Buffer.alloc(32).fill(1, 31))],
    ['a weak one beside a good one', `${whsec(KEY)},hmac_secret`],
  ])('refuses %s', (_, list) => {
    expect(() => parseSecrets(list)).toThrow(/^a secret is weak; it must have at least 24 random bytes/);
  });

  it('accepts what a generator makes: 24 bytes, or 24 hex digits', () => {
    for (let time = 0; time < 500; time += 1) {
      expect(parseSecrets(whsec(randomBytes(24))).count).toBe(1);
      expect(parseSecrets(`hmac_${randomBytes(12).toString('hex')}`).count).toBe(1);
    }
  });

  it('repeats no secret in its complaint, nor where one is printed', () => {
    expect(() => parseSecrets(`hmac_${TEXT},hmac_short`)).toThrow(/^(?!.*(?:short|shared)).*$/);
    const secrets = parseSecrets(`hmac_${TEXT}`);
    expect(`${inspect(secrets, { showHidden: true })}${JSON.stringify({ secrets })}`).not.toContain(TEXT);
  });

  it('finds a key that two lists share, however it is written', () => {
    const both = parseSecrets(`hmac_${TEXT},${whsec(KEY)}`);
    expect(both.sharesKeyWith(parseSecrets(`${whsec(randomBytes(24))},${KEY.toString('base64')}`))).toBe(
      true,
    );
    expect(both.sharesKeyWith(parseSecrets(`hmac_${TEXT}\0`))).toBe(true);
    expect(both.sharesKeyWith(parseSecrets(whsec(Buffer.from(TEXT))))).toBe(true);
    expect(both.sharesKeyWith(parseSecrets(`hmac_${TEXT}.`))).toBe(false);
    expect(both.sharesKeyWith(parseSecrets(''))).toBe(false);
  });
});
