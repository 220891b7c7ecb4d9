import { withoutTokens } from '@taleback/core';

const NAMES = 'api[-_]?key|access[-_]?key|key|secret|password|passwd|authorization|token';

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // user:password@ of an address
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, '$1'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{4,}/gi, '$1 [redacted]'],
  [new RegExp(`((?:${NAMES})["']?\\s*=\\s*["']?)(?!bearer|basic)[^\\s"'&,;)}\\]]+`, 'gi'), '$1[redacted]'],
  // After a colon there may be plain words, which are short.
  [new RegExp(`((?:${NAMES})["']?\\s*:\\s*["']?)(?!bearer|basic)[^\\s"'&,;)}\\]]{8,}`, 'gi'), '$1[redacted]'],
  [/\b(?:whsec_|hmac_|sk[-_]|rpa_|AIza)[\w+/=-]{6,}/g, '[redacted]'],
];

/** Longest text that is passed on: an error may quote a whole page. Characters. */
const MAX_CHARACTERS = 500;

/** The same words on one line, without what looks like a credential, and not long. */
export const withoutSecrets = (text: string): string =>
  SECRETS.reduce((words, [pattern, instead]) => words.replace(pattern, instead), withoutTokens(text))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_CHARACTERS);
