import { isWellFormed, toWellFormed } from './document-id.ts';

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

/** Where a value stands in the metadata. */
interface Place {
  readonly depth: number;
  /** Bytes of the names above the value, each with its separator; arrays add none. */
  readonly pathBytes: number;
  readonly isInArray: boolean;
}

const utf8 = new TextEncoder();

const wellFormed = (text: string, altered: Set<Alteration>): string => {
  if (!isWellFormed(text)) altered.add('broken-text');
  return toWellFormed(text);
};

const shortName = (name: string, altered: Set<Alteration>): string => {
  const bytes = utf8.encode(name);
  if (bytes.length <= MAX_NAME_BYTES) return name;
  altered.add('long-name');
  // As a stream, the decoder keeps back the part of a character that was cut through.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, MAX_NAME_BYTES), {
    stream: true,
  });
};

/** @param index the place of the name in its map, which makes it differ from an equal name before it */
const storableName = (
  name: string,
  index: number,
  taken: Record<string, unknown>,
  altered: Set<Alteration>,
): string => {
  let storable = shortName(wellFormed(name, altered), altered);
  if (storable === '' || storable === ALTERED_FIELD || /^__.*__$/s.test(storable)) {
    altered.add('reserved-name');
    storable = `field${storable}`;
  }
  if (Object.hasOwn(taken, storable)) storable = `${storable}'${index}`;
  while (Object.hasOwn(taken, storable)) storable = `${storable}'`;
  return storable;
};

const storableText = (text: string, altered: Set<Alteration>): string => {
  if (text.length <= MAX_TEXT_CHARACTERS) return wellFormed(text, altered);
  altered.add('long-text');
  return `${wellFormed(text.slice(0, MAX_TEXT_CHARACTERS), altered)}…`;
};

const storableMap = (
  entries: Iterable<readonly [string, unknown]>,
  { depth, pathBytes }: Place,
  altered: Set<Alteration>,
): Record<string, unknown> => {
  const map: Record<string, unknown> = {};
  let index = 0;
  for (const [name, value] of entries) {
    const storable = storableName(name, index, map, altered);
    const below = {
      depth: depth + 1,
      pathBytes: pathBytes + utf8.encode(storable).length + 1,
      isInArray: false,
    };
    map[storable] = storableValue(value, below, altered);
    index += 1;
  }
  return map;
};

const storableValue = (value: unknown, place: Place, altered: Set<Alteration>): unknown => {
  if (typeof value === 'string') return storableText(value, altered);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (place.depth > MAX_DEPTH || place.pathBytes > MAX_PATH_BYTES) {
    altered.add('too-deep');
    return '[left out: nested too deep]';
  }
  if (!Array.isArray(value)) return storableMap(Object.entries(value), place, altered);
  if (place.isInArray) {
    altered.add('nested-array');
    const entries = value.map((item: unknown, index) => [String(index), item] as const);
    return storableMap(entries, place, altered);
  }
  const below = { ...place, depth: place.depth + 1, isInArray: true };
  return value.map((item: unknown) => storableValue(item, below, altered));
};

/**
 * The nearest thing to this metadata that Firestore can hold. A callback must never be lost to its own metadata,
 * so nothing is refused: nested arrays become maps of their indices, reserved names get a prefix, what is too deep
 * or too long is cut. What was done is listed in the field `_altered`.
 *
 * @example
 * storableMetadata({ grid: [[1, 2]] }); // { grid: [{ 0: 1, 1: 2 }], _altered: ['nested-array'] }
 */
export const storableMetadata = (metadata: Record<string, unknown>): Record<string, unknown> => {
  const altered = new Set<Alteration>();
  const map = storableMap(Object.entries(metadata), { depth: 1, pathBytes: 0, isInArray: false }, altered);
  return altered.size === 0 ? map : { ...map, [ALTERED_FIELD]: [...altered] };
};
