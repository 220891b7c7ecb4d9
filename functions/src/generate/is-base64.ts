const STRAY = /[^A-Za-z0-9+/_\s-]/;
const PADDING = /={1,2}\s*$/y;

/**
 * Whether a text holds base64 in either alphabet, white space anywhere but inside the padding, padding or none. Its one
 * pass over the text neither goes back nor copies, since a recording has megabytes; nothing is decoded.
 */
export const isBase64 = (text: string): boolean => {
  const end = text.search(STRAY);
  if (end === -1) return /\S/.test(text);
  PADDING.lastIndex = end;
  return PADDING.test(text) && text.search(/\S/) < end;
};
