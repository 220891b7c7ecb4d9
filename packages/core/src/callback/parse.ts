import { z } from 'zod';
import { describeError } from '../errors/catalogue.ts';
import { isRecord } from '../json.ts';
import { documentIdFault, toWellFormed } from '../storable/document.ts';

/** What parsing ends in: the value, or the field that is wrong and a sentence that names it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly field: string; readonly sentence: string };

/** The `code` of a 404 to a verified message about a story that was deleted. A story that never existed has none. */
export const STORY_DELETED = 'story_deleted';

/**
 * Whether the beginning of an answer says that the story was deleted.
 *
 * @example
 * import { saysStoryDeleted } from '@taleback/core';
 * saysStoryDeleted('{"success":false,"error":"story_id: there is no story"}'); // false
 */
export const saysStoryDeleted = (answer: string): boolean =>
  answer.startsWith(`{"success":false,"code":"${STORY_DELETED}"`);

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
  const fault = isMissing ? 'is required' : (issue?.message ?? 'is invalid');
  return { ok: false, field, sentence: `${field}: ${fault}` };
};

const text = z.string('must be a string');

/** A required document id. */
export const documentId = text.superRefine((id, context) => {
  const fault = documentIdFault(id);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** What Python senders write for a value that they do not have; `NaN` was read as null. */
const isNothing = (value: unknown): boolean =>
  value === null || (typeof value === 'string' && value.trim() === '');

/**
 * An optional value, for which null and blanks count as absent.
 *
 * @example
 * import { optional } from '@taleback/core';
 * import { z } from 'zod';
 * optional(z.number()).parse(''); // undefined
 */
export const optional = <T>(type: z.ZodType<T>) =>
  z
    .preprocess((value) => (isNothing(value) ? undefined : value), type.optional())
    .transform((value) => value);

/** An optional string. Not by `optional`, which costs three times as much: a callback has eight of them. */
export const optionalText = text
  .nullish()
  .transform((value) => (value == null || isNothing(value) ? undefined : toWellFormed(value)));

/** Optional free-form metadata: any JSON object, kept by reference. An empty one counts as absent. */
const optionalMetadata = optional(z.custom<Record<string, unknown>>(isRecord, 'must be an object')).transform(
  (metadata) => (metadata && Object.keys(metadata).length > 0 ? metadata : undefined),
);

type Camel<Name> = Name extends `${infer First}_${infer Rest}` ? `${First}${Capitalize<Camel<Rest>>}` : Name;

/**
 * The fields of a body under our own names.
 *
 * @example
 * inCamelCase({ story_id: 's1' }); // { storyId: 's1' }
 */
export const inCamelCase = <T extends object>(
  body: T,
): { readonly [Name in keyof T as Camel<Name> & string]: T[Name] } => {
  const renamed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const isOneWord = !name.includes('_');
    renamed[isOneWord ? name : name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())] = value;
  }
  return renamed as never;
};

/** An http(s) address, as it came unless it has blanks in it; undefined when it is none. */
const webAddress = (address: string): string | undefined => {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return /\s/.test(address) ? url.href : address;
};

const successSchema = z
  .object({
    story_id: documentId,
    user_id: optionalText,
    voice_id: optionalText,
    voice_name: optionalText,
    audio_url: optionalText,
    storage_path: optionalText,
    r2_path: optionalText,
    language: optionalText,
    job_id: optional(documentId),
    duration_ms: optional(z.number('must be a number').nonnegative('must not be negative')),
    metadata: optionalMetadata,
  })
  .transform(({ audio_url, storage_path: path, r2_path: r2Path, ...body }, context) => {
    // As URL parsers do, or a scheme could hide behind a line break.
    const address = audio_url?.trim().replace(/[\t\n\r]/g, '');
    const audioUrl = address === undefined ? undefined : webAddress(address);
    // Some senders put a bare storage path into audio_url.
    const isPath = address !== undefined && !/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(address);
    const storagePath = path ?? r2Path ?? (isPath ? address : undefined);
    if (audioUrl === undefined && storagePath === undefined) {
      const missing = 'one of audio_url, storage_path and r2_path is required';
      const message = address === undefined ? missing : 'must be an http or https address';
      context.addIssue({ code: 'custom', path: ['audio_url'], message });
    }
    return { ...inCamelCase(body), audioUrl, storagePath };
  });

/**
 * The body of `POST /api/tts/callback`, in our own names. `audioUrl` is an http(s) address where the audio can be
 * played, `storagePath` its key in the store; one of them is there.
 */
export type SuccessCallback = z.output<typeof successSchema>;

/**
 * Parses the body of a success callback.
 *
 * @example
 * parseSuccessCallback({ story_id: 's1', audio_url: 'https://a.example/s1.mp3' }).ok; // true
 */
export const parseSuccessCallback = (input: unknown): Parsed<SuccessCallback> =>
  parseWith(successSchema, input);

const errorSchema = z
  .object({
    story_id: documentId,
    error: text.nullable().transform((words) => (words?.trim() ? toWellFormed(words) : undefined)),
    error_details: optionalText,
    user_id: optionalText,
    voice_id: optionalText,
    job_id: optional(documentId),
    metadata: optionalMetadata,
  })
  .transform(({ error, ...body }) => ({
    ...inCamelCase(body),
    // A failure is not refused for its words: another field has them, or the catalogue.
    error:
      error ??
      body.error_details ??
      optionalText.safeParse(body.metadata?.['error_type']).data ??
      describeError('unknown').sentence,
  }));

/** The body of `POST /api/tts/error-callback`, in our own names. @see docs/origins.md#payload */
export type ErrorCallback = z.output<typeof errorSchema>;

/**
 * Parses the body of an error callback.
 *
 * @example
 * const parsed = parseErrorCallback({ story_id: 's1' });
 * if (!parsed.ok) console.log(parsed.sentence); // error: is required
 */
export const parseErrorCallback = (input: unknown): Parsed<ErrorCallback> => parseWith(errorSchema, input);

const MAX_STAGE_CHARACTERS = 100;

const progressSchema = z
  .object({
    story_id: documentId,
    job_id: documentId,
    /** A word or two for what the worker is doing, such as `synthesizing`. */
    stage: text
      .min(1, 'must not be empty')
      .max(MAX_STAGE_CHARACTERS, `must be at most ${MAX_STAGE_CHARACTERS} characters`)
      .transform(toWellFormed),
    /** Share of the work that is done, 0 to 1. */
    progress: optional(
      z.number('must be a number').min(0, 'must be between 0 and 1').max(1, 'must be between 0 and 1'),
    ),
  })
  .transform(inCamelCase);

/** The body of `POST /api/tts/progress`, in our own names. */
export type ProgressReport = z.output<typeof progressSchema>;

/**
 * Parses the body of a progress report.
 *
 * @example
 * parseProgress({ story_id: 's1', job_id: 'j1', stage: 'synthesizing', progress: 0.5 }).ok; // true
 */
export const parseProgress = (input: unknown): Parsed<ProgressReport> => parseWith(progressSchema, input);
