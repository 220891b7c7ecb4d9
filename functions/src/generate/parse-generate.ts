import {
  documentId,
  inCamelCase,
  isWellFormed,
  JOB_EXTRAS,
  optionalText,
  type Parsed,
  parseWith,
  present,
  textAtMost,
  type TtsJobExtras,
} from '@taleback/core';
import { trustedStoragePath } from '@taleback/core/storage';
import { z } from 'zod';
import { isOwnPlace } from '../stories/ownership.ts';

/** Limits of firestore.rules, so that a person can go on with a story that a server began. */
const MAX_TITLE_CHARACTERS = 300;
const MAX_VOICE_CHARACTERS = 200;
const MAX_LANGUAGE_CHARACTERS = 35;
const MAX_WORD_CHARACTERS = 50;
/** Firebase's own user ids have at most 128. */
const MAX_USER_CHARACTERS = 256;
const MAX_URL_CHARACTERS = 2_048;

const required = (max: number) =>
  z
    .string('must be a string')
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters`)
    .refine(isWellFormed, 'must be valid Unicode text');

const httpUrl = textAtMost(MAX_URL_CHARACTERS).refine(
  (text) => text === undefined || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)),
  'must be an http or https address',
);

const schema = z
  .object({
    user_id: required(MAX_USER_CHARACTERS),
    voice_id: required(MAX_VOICE_CHARACTERS),
    story_id: documentId,
    text: optionalText,
    language: textAtMost(MAX_LANGUAGE_CHARACTERS),
    story_type: textAtMost(MAX_WORD_CHARACTERS),
    callback_url: httpUrl,
    story_name: textAtMost(MAX_TITLE_CHARACTERS),
    voice_name: textAtMost(MAX_VOICE_CHARACTERS),
    ...JOB_EXTRAS,
    storage_path: JOB_EXTRAS.storage_path.refine(
      (path) => path === undefined || trustedStoragePath(path) !== undefined,
      'must be a relative path of plain names for a narration, ending in .mp3',
    ),
  })
  .superRefine(({ profile_path, storage_path, user_id: userId }, context) => {
    for (const [field, path] of Object.entries({ profile_path, storage_path })) {
      if (path === undefined || isOwnPlace(path, [userId])) continue;
      const message = 'must not lie in the private folder of another user';
      context.addIssue({ code: 'custom', path: [field], message });
    }
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
export type GenerateRequest = Omit<z.output<typeof schema>, 'extras'> & { readonly extras: TtsJobExtras };

/**
 * Parses the body of `POST /api/tts/generate`. Null stands for absent.
 * @see docs/origins.md#generate
 */
export const parseGenerate = (body: unknown): Parsed<GenerateRequest> => parseWith(schema, body);
