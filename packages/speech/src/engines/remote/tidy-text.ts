/**
 * A text as any service takes it: composed, without control and format characters, halves of surrogate pairs or blanks
 * that nobody hears. Line breaks stay. What a model cannot speak it skips by itself.
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
