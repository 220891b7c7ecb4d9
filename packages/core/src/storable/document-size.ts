import { ALTERED_FIELD } from './storable-metadata.ts';

/** Firestore's limit for one document, in bytes. @see https://firebase.google.com/docs/firestore/quotas */
export const MAX_DOCUMENT_BYTES = 1_048_576;
/** Kept free for the document's name and for server timestamps that are written beside our fields. */
const RESERVE_BYTES = 8_192;

const utf8 = new TextEncoder();
const textBytes = (text: string): number => utf8.encode(text).length + 1;

/**
 * Bytes that Firestore counts for a value.
 * @see https://firebase.google.com/docs/firestore/storage-size
 */
export const valueBytes = (value: unknown): number => {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number') return 8;
  if (typeof value === 'boolean' || value === null || value === undefined) return 1;
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item: unknown) => sum + valueBytes(item), 0);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return 16; // a timestamp, a place or a reference
  return fieldsBytes(value as Record<string, unknown>);
};

/**
 * Bytes of all the fields of a document or map, names included.
 *
 * @example
 * fieldsBytes({ title: 'A tale' }); // 45
 */
export const fieldsBytes = (fields: Record<string, unknown>): number =>
  Object.entries(fields).reduce((sum, [name, value]) => sum + textBytes(name) + valueBytes(value), 32);

/** Keeps the metadata's fields in their order for as long as they fit; undefined when not even one does. */
const cutMetadata = (
  metadata: Record<string, unknown>,
  roomBytes: number,
): Record<string, unknown> | undefined => {
  const before = metadata[ALTERED_FIELD];
  const kept: Record<string, unknown> = {
    [ALTERED_FIELD]: [...(Array.isArray(before) ? (before as unknown[]) : []), 'too-large'],
  };
  let left = roomBytes - fieldsBytes(kept);
  if (left <= 0) return undefined;
  for (const [name, value] of Object.entries(metadata)) {
    const bytes = textBytes(name) + valueBytes(value);
    if (name === ALTERED_FIELD || bytes > left) continue;
    kept[name] = value;
    left -= bytes;
  }
  return kept;
};

/**
 * Fits a change into Firestore's 1 MiB: the metadata is cut, then dropped.
 *
 * @param rest the document's other fields as they will stand beside the change
 * @param change the fields to write
 * @param metadataField the field of the change that may be cut
 * @returns the change that fits, or undefined when it does not fit even without its metadata
 *
 * @example
 * fitDocument({}, { audioStatus: 'ready' }, 'audioMetadata'); // { audioStatus: 'ready' }
 */
export const fitDocument = (
  rest: Record<string, unknown>,
  change: Record<string, unknown>,
  metadataField: string,
): Record<string, unknown> | undefined => {
  const roomBytes = MAX_DOCUMENT_BYTES - RESERVE_BYTES - fieldsBytes(rest);
  if (fieldsBytes(change) <= roomBytes) return change;
  const { [metadataField]: metadata, ...bare } = change;
  const bareBytes = fieldsBytes(bare);
  if (bareBytes > roomBytes) return undefined;
  if (metadata === undefined) return undefined;
  const cut = cutMetadata(
    metadata as Record<string, unknown>,
    roomBytes - bareBytes - textBytes(metadataField),
  );
  return cut === undefined ? bare : { ...bare, [metadataField]: cut };
};
