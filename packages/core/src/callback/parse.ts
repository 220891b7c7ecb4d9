import { z } from 'zod';
import { isRecord } from '../json.ts';
import { documentIdFault, toWellFormed } from '../storable/document-id.ts';

/** What parsing ends in: the value, or the field that is wrong and a sentence that names it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly field: string; readonly sentence: string };

/** A required document id. */
export const documentId = z.string('must be a string').superRefine((id, context) => {
  const fault = documentIdFault(id);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** An optional string; Python senders write null or "" for what they do not have. */
export const optionalText = z
  .string('must be a string')
  .nullish()
  .transform((text) => (text ? toWellFormed(text) : undefined));

/** An optional document id; null and "" count as absent. Nothing is repaired, because another id is another job. */
export const optionalDocumentId = z
  .string('must be a string')
  .nullish()
  .transform((id) => id || undefined)
  .superRefine((id, context) => {
    const fault = id === undefined ? undefined : documentIdFault(id);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

/** Optional free-form metadata: any JSON object, kept by reference. An empty one counts as absent. */
export const optionalMetadata = z
  .custom<Record<string, unknown>>(isRecord, 'must be an object')
  .nullish()
  .transform((metadata) => (metadata && Object.keys(metadata).length > 0 ? metadata : undefined));

/** Whether anything stands at the end of a path through JSON; null does. */
const isThere = (input: unknown, path: readonly PropertyKey[]): boolean => {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return false;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value !== undefined;
};

/**
 * Parses untrusted JSON by a schema, naming the first field that is wrong. Unknown fields are ignored.
 *
 * @example
 * import { parseWith } from '@taleback/core';
 * import { z } from 'zod';
 * parseWith(z.object({ id: z.string() }), { id: 7 }); // { ok: false, field: 'id', sentence: ... }
 */
export const parseWith = <T>(schema: z.ZodType<T>, input: unknown): Parsed<T> => {
  if (!isRecord(input)) return { ok: false, field: 'body', sentence: 'body: must be a JSON object' };
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join('.') || 'body';
  const isMissing = issue?.code === 'invalid_type' && !isThere(input, issue.path);
  return {
    ok: false,
    field,
    sentence: `${field}: ${isMissing ? 'is required' : (issue?.message ?? 'is invalid')}`,
  };
};
