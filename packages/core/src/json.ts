/**
 * True for what JSON calls an object: not null, not an array.
 *
 * @example
 * import { isRecord } from '@taleback/core';
 * const body: unknown = JSON.parse('{"story_id":"s1"}');
 * if (isRecord(body)) console.log(body['story_id']); // s1
 */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
