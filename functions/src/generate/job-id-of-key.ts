import { createHash } from 'node:crypto';

/**
 * The job id that an idempotency key stands for: the same for the same story and key, and in the form of a UUID as
 * other job ids are (version 8, made from a hash).
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
 */
export const jobIdOfKey = (storyId: string, key: string): string => {
  const bytes = createHash('sha256')
    .update(`taleback-generate\n${JSON.stringify([storyId, key])}`)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
