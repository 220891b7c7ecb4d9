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

/** What decomposition does not reduce to ASCII. */
const FOLDED: Readonly<Record<string, string>> = {
  '\u2018': "'",
  '\u2019': "'",
  '\u201a': "'",
  '\u201b': "'",
  '\u2032': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u201e': '"',
  '\u201f': '"',
  '\u2033': '"',
  '\u00ab': '"',
  '\u00bb': '"',
  '\u2010': '-',
  '\u2011': '-',
  '\u2012': '-',
  '\u2013': '-',
  '\u2212': '-',
  '\u2014': ', ',
  '\u2015': ', ',
  '\u2044': '/',
  '\u00d7': ' x ',
  '\u00b0': ' degrees ',
  '\u00df': 'ss',
  '\u1e9e': 'SS',
  '\u00e6': 'ae',
  '\u00c6': 'Ae',
  '\u0153': 'oe',
  '\u0152': 'Oe',
  '\u00f8': 'o',
  '\u00d8': 'O',
  '\u0142': 'l',
  '\u0141': 'L',
  '\u0111': 'd',
  '\u0110': 'D',
  '\u00f0': 'd',
  '\u00d0': 'D',
  '\u00fe': 'th',
  '\u00de': 'Th',
  '\u0131': 'i',
};

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
    .replace(/[^\n\x20-\x7e]/gu, (character) => FOLDED[character] ?? ' ')
    // flite drops a capital AM that is not a time of day.
    .replace(/(?<!\d ?)\bAM\b/gu, 'am')
    .replace(/ +/gu, ' ')
    .replace(/ ?\n ?/gu, '\n')
    .replace(/\n{3,}/gu, '\n\n')
    .replace(new RegExp(`\\S{${LONGEST_TOKEN}}(?=\\S)`, 'gu'), '$& ')
    .trim();
