import { documentId, inCamelCase, isWellFormed, optional, optionalText } from '@taleback/core';
import { type Parsed, parseWith, present } from '@taleback/core';
import { z } from 'zod';
import { isOwnPlace } from '../stories/ownership.ts';

/** Limits of firestore.rules, so that a person can go on with a story that a server began. */
const MAX_TITLE_CHARACTERS = 300;
const MAX_VOICE_CHARACTERS = 200;
const MAX_LANGUAGE_CHARACTERS = 35;
const MAX_WORD_CHARACTERS = 50;
/** Firebase's own user ids have at most 128. */
const MAX_USER_CHARACTERS = 256;
const MAX_PATH_CHARACTERS = 1_024;
const MAX_URL_CHARACTERS = 2_048;
const MAX_NAME_CHARACTERS = 200;

const atMost = (max: number) =>
  optionalText.refine(
    (text) => text === undefined || text.length <= max,
    `must be at most ${max} characters`,
  );

const required = (max: number) =>
  z
    .string('must be a string')
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters`)
    .refine(isWellFormed, 'must be valid Unicode text');

const STRAY = /[^A-Za-z0-9+/_\s-]/;
const PADDING = /={1,2}\s*$/y;

/**
 * Whether a text is base64 in either alphabet, with or without padding, white space anywhere but inside the padding. A
 * recording has megabytes, so the check is one pass without backtracking, and nothing is copied or decoded.
 */
export const isBase64 = (text: string): boolean => {
  const end = text.search(STRAY);
  if (end === -1) return /\S/.test(text);
  PADDING.lastIndex = end;
  return PADDING.test(text) && text.search(/\S/) < end;
};

/** One name in a folder: no way out of it, and no hidden file. */
const fileName = atMost(MAX_NAME_CHARACTERS).refine(
  (name) => name === undefined || /^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u.test(name),
  'must be a plain file name',
);

const httpUrl = atMost(MAX_URL_CHARACTERS).refine(
  (text) => text === undefined || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)),
  'must be an http or https address',
);

const schema = z
  .object({
    user_id: required(MAX_USER_CHARACTERS),
    voice_id: required(MAX_VOICE_CHARACTERS),
    story_id: documentId,
    text: optionalText,
    profile_base64: optionalText.refine((text) => text === undefined || isBase64(text), 'must be base64'),
    profile_path: atMost(MAX_PATH_CHARACTERS),
    language: atMost(MAX_LANGUAGE_CHARACTERS),
    story_type: atMost(MAX_WORD_CHARACTERS),
    is_kids_voice: optional(z.boolean('must be true or false')),
    model_type: atMost(MAX_WORD_CHARACTERS),
    callback_url: httpUrl,
    story_name: atMost(MAX_TITLE_CHARACTERS),
    output_basename: fileName,
    output_filename: fileName,
    voice_name: atMost(MAX_VOICE_CHARACTERS),
    genre: atMost(MAX_WORD_CHARACTERS),
  })
  .refine(({ profile_path: path, user_id: userId }) => path === undefined || isOwnPlace(path, [userId]), {
    path: ['profile_path'],
    error: 'must not lie in the private folder of another user',
  })
  .transform(({ user_id, voice_id, story_id, text, language, story_type, callback_url, ...body }) => {
    const { story_name: title, voice_name: voiceName, ...extras } = body;
    const own = inCamelCase({ user_id, voice_id, story_id, text, language, story_type, callback_url });
    return { ...own, title, voiceName, extras: present(extras) };
  });

/**
 * The request of another server, in our own names. Without a text it is about the story's own; without a callback
 * address about this deployment; `extras` go into the job as they are.
 */
export type GenerateRequest = z.output<typeof schema>;

/**
 * Parses the body of `POST /api/tts/generate`. Null stands for absent.
 * @see docs/origins.md#generate
 */
export const parseGenerate = (body: unknown): Parsed<GenerateRequest> => parseWith(schema, body);
