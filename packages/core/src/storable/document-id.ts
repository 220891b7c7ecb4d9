/** Firestore's limit for one document id, in UTF-8 bytes. @see https://firebase.google.com/docs/firestore/quotas */
const MAX_DOCUMENT_ID_BYTES = 1500;

const utf8 = new TextEncoder();

/**
 * Why Firestore could not hold a document under this id, or undefined when it could.
 * Firestore refuses empty ids, slashes, `.`, `..`, names like `__x__`, broken Unicode and more than 1,500 bytes.
 *
 * @example
 * documentIdFault('a/b'); // 'must not contain a slash'
 */
export const documentIdFault = (id: string): string | undefined => {
  if (id === '') return 'must not be empty';
  if (id.includes('/')) return 'must not contain a slash';
  if (id === '.' || id === '..') return 'must not be "." or ".."';
  if (/^__.*__$/s.test(id)) return 'must not start and end with two underscores';
  if (id.includes('\0') || !isWellFormed(id)) return 'must be valid Unicode text without NUL';
  // Short ids need not be encoded: no UTF-16 unit takes more than three bytes.
  if (3 * id.length > MAX_DOCUMENT_ID_BYTES && utf8.encode(id).length > MAX_DOCUMENT_ID_BYTES)
    return `must be at most ${MAX_DOCUMENT_ID_BYTES} bytes`;
  return undefined;
};

/**
 * True when the text has no half of a surrogate pair standing alone.
 *
 * @example
 * isWellFormed('\ud800'); // false
 */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/**
 * Replaces every lone surrogate by U+FFFD, since neither Firestore nor UTF-8 can hold one.
 *
 * @example
 * toWellFormed('a\ud800'); // 'a\ufffd'
 */
export const toWellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD');
