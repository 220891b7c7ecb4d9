import { createHash } from 'node:crypto';

export type CanonicalField = string | number | boolean | undefined;

const TAGS = { undefined: 0, string: 1, number: 2, boolean: 3 } as const;

const bytesOf = (field: CanonicalField): Buffer => {
  switch (typeof field) {
    case 'string':
      // UTF-16 keeps half a surrogate pair apart from the replacement character, which UTF-8 would not.
      return Buffer.from(field, 'utf16le');
    case 'number': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(field);
      return bytes;
    }
    case 'boolean':
      return Buffer.of(field ? 1 : 0);
    default:
      return Buffer.alloc(0);
  }
};

/**
 * SHA-256 of the fields in their order, 64 lower-case hex digits. Each goes in with its kind and its length, so no two
 * different lists are the same bytes.
 */
export const canonicalDigest = (fields: readonly CanonicalField[]): string => {
  const hash = createHash('sha256');
  for (const field of fields) {
    const bytes = bytesOf(field);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt8(TAGS[typeof field as keyof typeof TAGS]);
    prefix.writeUInt32LE(bytes.length, 1);
    hash.update(prefix).update(bytes);
  }
  return hash.digest('hex');
};
