import unfolded from './unfolded.json' with { type: 'json' };

/**
 * A text as any service accepts it: composed, without control and format characters, unpaired surrogates or superfluous
 * blanks. Line breaks stay. Models skip what they cannot speak.
 */
export const tidyText = (text: string): string =>
  text
    .replace(/\r\n?|\u0085|\u2028/gu, '\n')
    .replace(/\u2029/gu, '\n\n')
    // Joiners are kept: they spell words in Hindi and other scripts.
    .replace(/(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\ufffe\uffff]/gu, '')
    .normalize('NFC')
    .replace(/[^\S\n]+/gu, ' ')
    .replace(/ ?\n ?/gu, '\n')
    .replace(/\n{3,}/gu, '\n\n')
    .trim();

/** A text for a model that has its own rules: composed, with plain line breaks. */
export const composeText = (text: string): string => text.normalize('NFC').replace(/\r\n?/gu, '\n').trim();

/** flite spells out long tokens, and one of 5,000 letters takes a minute and a half. */
const LONGEST_TOKEN = 40;

/** What decomposition does not reduce to ASCII, by what is spoken instead. */
const FOLDED: ReadonlyMap<string, string> = new Map(
  Object.entries(unfolded).flatMap(([plain, characters]) =>
    Array.from(characters, (character) => [character, plain] as const),
  ),
);

const CURRENCIES: Readonly<Record<string, string>> = { '\u00a3': 'pounds', '\u20ac': 'euros' };

/**
 * A text as flite can speak it: printable ASCII and line breaks. Accents, ligatures and typographic quotes are folded,
 * an amount with a currency sign becomes words, any other character becomes a blank, and a token of more than 40
 * characters is broken up.
 */
export const cleanText = (text: string): string =>
  text
    .replace(/\r\n?|\u0085|\u2028/gu, '\n')
    .replace(/\u2029/gu, '\n\n')
    .replace(
      /([\u00a3\u20ac]) ?(\d+(?:[.,]\d+)*)/gu,
      (_match, sign: string, amount: string) => `${amount} ${CURRENCIES[sign] ?? ''}`,
    )
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .replace(/[^\n\x20-\x7e]/gu, (character) => FOLDED.get(character) ?? ' ')
    // flite drops a capital AM that is not a time of day.
    .replace(/(?<!\d ?)\bAM\b/gu, 'am')
    .replace(/ +/gu, ' ')
    .replace(/ ?\n ?/gu, '\n')
    .replace(/\n{3,}/gu, '\n\n')
    .replace(new RegExp(`\\S{${LONGEST_TOKEN}}(?=\\S)`, 'gu'), '$& ')
    .trim();
