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
export const isWellFormed = (text: string): boolean => text.isWellFormed();

/**
 * Replaces every lone surrogate by U+FFFD, since neither Firestore nor UTF-8 can hold one.
 *
 * @example
 * toWellFormed('a\ud800'); // 'a\ufffd'
 */
export const toWellFormed = (text: string): string => text.toWellFormed();

/**
 * Firestore's limits, with room for the field above the value: 20 levels of maps and arrays, 1,500 bytes for a
 * name and for a whole path of names, no array straight inside an array, no names like `__x__`.
 * @see https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
 */
const MAX_DEPTH = 18;
/** A map whose own path is longer is left out, so that a name of `MAX_NAME_BYTES` below it still fits. */
const MAX_PATH_BYTES = 1_000;
const MAX_NAME_BYTES = 300;
const MAX_TEXT_CHARACTERS = 16_384;

/** The field of the stored metadata that lists the kinds of change. */
export const ALTERED_FIELD = '_altered';

export type Alteration =
  | 'nested-array'
  | 'reserved-name'
  | 'long-name'
  | 'broken-text'
  | 'too-deep'
  | 'long-text'
  | 'too-large';

/** The position of a value in the metadata. */
interface Place {
  readonly depth: number;
  /** Bytes of the names above the value, each with its separator; arrays add none. */
  readonly pathBytes: number;
  readonly isInArray: boolean;
}

/** Most texts are plain, and need no encoding to be measured. */
const PLAIN = /^[\0-\x7f]*$/;

const utf8Bytes = (text: string): number => (PLAIN.test(text) ? text.length : utf8.encode(text).length);

const textBytes = (text: string): number => utf8Bytes(text) + 1;

/** What happens to the texts and names of the metadata, and what was changed so far. */
interface Texts {
  readonly altered: Set<Alteration>;
  readonly redact: (text: string) => string;
}

const wellFormed = (text: string, { altered }: Texts): string => {
  if (!isWellFormed(text)) altered.add('broken-text');
  return toWellFormed(text);
};

/** The text of the first bytes. As a stream, the decoder keeps back the part of a character that was cut through. */
const headOf = (bytes: Uint8Array, mostBytes: number): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, mostBytes), { stream: true });

/** A name that Firestore takes and the map does not have yet. @param index the place of the name in its map */
const storableName = (name: string, index: number, map: Record<string, unknown>, texts: Texts): string => {
  const { altered, redact } = texts;
  let storable = redact(wellFormed(name, texts));
  if (utf8Bytes(storable) > MAX_NAME_BYTES) {
    altered.add('long-name');
    storable = headOf(utf8.encode(storable), MAX_NAME_BYTES);
  }
  if (storable === '' || storable === ALTERED_FIELD || /^__.*__$/s.test(storable)) {
    altered.add('reserved-name');
    storable = `field${storable}`;
  }
  if (Object.hasOwn(map, storable)) storable = `${storable}'${index}`;
  while (Object.hasOwn(map, storable)) storable = `${storable}'`;
  return storable;
};

const storableText = (text: string, texts: Texts): string => {
  const redacted = texts.redact(text);
  if (redacted.length <= MAX_TEXT_CHARACTERS) return wellFormed(redacted, texts);
  texts.altered.add('long-text');
  return `${wellFormed(redacted.slice(0, MAX_TEXT_CHARACTERS), texts)}…`;
};

/** The fields of an object, or the items of an array under their indices. */
const storableMap = (fields: object, { depth, pathBytes }: Place, texts: Texts): Record<string, unknown> => {
  const map: Record<string, unknown> = {};
  let index = 0;
  for (const [name, value] of Object.entries(fields)) {
    const storable = storableName(name, index, map, texts);
    const below = { depth: depth + 1, pathBytes: pathBytes + textBytes(storable), isInArray: false };
    map[storable] = storableValue(value, below, texts);
    index += 1;
  }
  return map;
};

const storableValue = (value: unknown, place: Place, texts: Texts): unknown => {
  if (typeof value === 'string') return storableText(value, texts);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (place.depth > MAX_DEPTH || place.pathBytes > MAX_PATH_BYTES) {
    texts.altered.add('too-deep');
    return '[left out: nested too deep]';
  }
  if (Array.isArray(value) && !place.isInArray) {
    const below = { ...place, depth: place.depth + 1, isInArray: true };
    return value.map((item: unknown) => storableValue(item, below, texts));
  }
  if (Array.isArray(value)) texts.altered.add('nested-array');
  return storableMap(value, place, texts);
};

/**
 * The nearest thing to this metadata that Firestore can hold. A callback must never be lost to its own metadata,
 * so nothing is refused: nested arrays become maps of their indices, reserved names get a prefix, what is too deep
 * or too long is cut. What was done is listed in the field `_altered`.
 *
 * @param redact removes secrets from every text and name
 *
 * @example
 * storableMetadata({ grid: [[1, 2]] }); // { grid: [{ 0: 1, 1: 2 }], _altered: ['nested-array'] }
 */
export const storableMetadata = (
  metadata: Record<string, unknown>,
  redact: (text: string) => string = (text) => text,
): Record<string, unknown> => {
  const altered = new Set<Alteration>();
  const place = { depth: 1, pathBytes: 0, isInArray: false };
  const map = storableMap(metadata, place, { altered, redact });
  return altered.size === 0 ? map : { ...map, [ALTERED_FIELD]: [...altered] };
};

/** Firestore's limit for one document, in bytes. @see https://firebase.google.com/docs/firestore/quotas */
export const MAX_DOCUMENT_BYTES = 1_048_576;
/** Kept free for the document's name and for server timestamps that are written beside our fields. */
const RESERVE_BYTES = 8_192;

/**
 * Bytes that Firestore counts for a value.
 * @see https://firebase.google.com/docs/firestore/storage-size
 */
export const valueBytes = (value: unknown, measure = textBytes): number => {
  if (typeof value === 'string') return measure(value);
  if (typeof value === 'number') return 8;
  if (typeof value === 'boolean' || value === null || value === undefined) return 1;
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value))
    return value.reduce<number>((sum, item: unknown) => sum + valueBytes(item, measure), 0);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return 16; // a timestamp, a place or a reference
  return fieldsBytes(value as Record<string, unknown>, measure);
};

/**
 * Bytes of all the fields of a document or map, names included.
 *
 * @example
 * fieldsBytes({ title: 'A tale' }); // 45
 */
export const fieldsBytes = (fields: Readonly<Record<string, unknown>>, measure = textBytes): number => {
  let sum = 32;
  for (const name of Object.keys(fields)) sum += measure(name) + valueBytes(fields[name], measure);
  return sum;
};

/** No UTF-16 unit takes more than three bytes. */
const mostTextBytes = (text: string): number => 3 * text.length + 1;

/**
 * Whether these fields fit into one document by a measure that is too high, but needs no encoding of texts.
 *
 * @example
 * fitsEasily({ title: 'A tale' }, { audioStatus: 'ready' }); // true
 */
export const fitsEasily = (...parts: readonly Readonly<Record<string, unknown>>[]): boolean =>
  parts.reduce((sum, part) => sum + fieldsBytes(part, mostTextBytes), 0) <=
  MAX_DOCUMENT_BYTES - RESERVE_BYTES;

/** Keeps the metadata's fields in their order for as long as they fit; undefined when not even one does. */
const cutMetadata = (metadata: Record<string, unknown>, roomBytes: number) => {
  const { [ALTERED_FIELD]: before, ...fields } = metadata;
  const altered = [...(Array.isArray(before) ? (before as unknown[]) : []), 'too-large'];
  const kept: Record<string, unknown> = { [ALTERED_FIELD]: altered };
  let left = roomBytes - fieldsBytes(kept);
  if (left <= 0) return undefined;
  for (const [name, value] of Object.entries(fields)) {
    const bytes = textBytes(name) + valueBytes(value);
    if (bytes > left) continue;
    kept[name] = value;
    left -= bytes;
  }
  return kept;
};

/** What may be cut from a change that is too large. */
export interface Cuttable {
  /** Cut field by field, then dropped. */
  readonly metadata: string;
  /** Cut after the metadata, in this order, each with the characters that are kept at least; 0 drops it. */
  readonly texts: readonly (readonly [field: string, minCharacters: number])[];
}

/** The longest beginning of a text that fits. */
const cutText = (text: string, roomBytes: number): string => {
  const bytes = utf8.encode(text);
  if (bytes.length < roomBytes) return text;
  return headOf(bytes, Math.max(0, roomBytes - 1));
};

/**
 * Fits a change into Firestore's 1 MiB: the metadata is cut, then dropped; then the texts are cut.
 *
 * @param rest the document's other fields as they will stand beside the change
 * @param change the fields to write
 * @returns the change that fits, or undefined when it does not fit even so
 *
 * @example
 * fitDocument({}, { audioStatus: 'ready' }, { metadata: 'audioMetadata', texts: [] }); // { audioStatus: 'ready' }
 */
export const fitDocument = (
  rest: Record<string, unknown>,
  change: Record<string, unknown>,
  cuttable: Cuttable,
): Record<string, unknown> | undefined => {
  const roomBytes = MAX_DOCUMENT_BYTES - RESERVE_BYTES - fieldsBytes(rest);
  if (fieldsBytes(change) <= roomBytes) return change;
  const { [cuttable.metadata]: metadata, ...bare } = change;
  const leftBytes = roomBytes - fieldsBytes(bare);
  if (leftBytes >= 0) {
    if (metadata === undefined) return bare;
    const cut = cutMetadata(metadata as Record<string, unknown>, leftBytes - textBytes(cuttable.metadata));
    return cut === undefined ? bare : { ...bare, [cuttable.metadata]: cut };
  }
  for (const [field, minCharacters] of cuttable.texts) {
    const { [field]: text, ...others } = bare;
    if (typeof text !== 'string') continue;
    const cut = cutText(text, roomBytes - fieldsBytes(others) - textBytes(field));
    if (cut.length > 0 && cut.length >= Math.min(minCharacters, text.length))
      return { ...others, [field]: cut };
    delete bare[field];
    if (minCharacters > 0) return undefined;
  }
  return fieldsBytes(bare) <= roomBytes ? bare : undefined;
};
