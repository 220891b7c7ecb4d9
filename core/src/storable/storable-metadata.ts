import { isWellFormed, toWellFormed } from '../callback/document-id.ts';

/**
 * Firestore's limits, with room for the path above the value: 20 levels of maps and arrays, names of 1,500 bytes,
 * no array straight inside an array, no names like `__x__`.
 * @see https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
 */
const MAX_DEPTH = 18;
const MAX_NAME_CHARACTERS = 300;
const MAX_TEXT_CHARACTERS = 16_384;

/** Where the kinds of change are told, in the stored metadata itself. */
export const ALTERED_FIELD = '_altered';

export type Alteration =
  | 'nested-array'
  | 'reserved-name'
  | 'long-name'
  | 'broken-text'
  | 'too-deep'
  | 'long-text'
  | 'too-large';

const wellFormed = (text: string, altered: Set<Alteration>): string => {
  if (!isWellFormed(text)) altered.add('broken-text');
  return toWellFormed(text);
};

/** @param index the place of the name in its map, which tells it from a namesake that was changed before it */
const storableName = (
  name: string,
  index: number,
  taken: Record<string, unknown>,
  altered: Set<Alteration>,
): string => {
  let storable = wellFormed(name, altered);
  if (storable.length > MAX_NAME_CHARACTERS) {
    altered.add('long-name');
    storable = toWellFormed(storable.slice(0, MAX_NAME_CHARACTERS));
  }
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
  depth: number,
  altered: Set<Alteration>,
): Record<string, unknown> => {
  const map: Record<string, unknown> = {};
  let index = 0;
  for (const [name, value] of entries) {
    map[storableName(name, index, map, altered)] = storableValue(value, depth + 1, false, altered);
    index += 1;
  }
  return map;
};

const storableValue = (
  value: unknown,
  depth: number,
  isInArray: boolean,
  altered: Set<Alteration>,
): unknown => {
  if (typeof value === 'string') return storableText(value, altered);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth > MAX_DEPTH) {
    altered.add('too-deep');
    return '[left out: nested too deep]';
  }
  if (!Array.isArray(value)) return storableMap(Object.entries(value), depth, altered);
  if (isInArray) {
    altered.add('nested-array');
    return storableMap(
      value.map((item: unknown, index) => [String(index), item] as const),
      depth,
      altered,
    );
  }
  return value.map((item: unknown) => storableValue(item, depth + 1, true, altered));
};

/**
 * The nearest thing to this metadata that Firestore can hold. A callback must never be lost to its own metadata,
 * so nothing is refused: nested arrays become maps of their indices, reserved names get a prefix, what is too deep
 * or too long is cut. What was done is listed in the field `_altered`.
 */
export const storableMetadata = (metadata: Record<string, unknown>): Record<string, unknown> => {
  const altered = new Set<Alteration>();
  const map = storableMap(Object.entries(metadata), 1, altered);
  return altered.size === 0 ? map : { ...map, [ALTERED_FIELD]: [...altered] };
};
