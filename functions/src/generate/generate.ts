import { createHash } from 'node:crypto';
import { errorWords } from '@taleback/core';
import type { Refusal } from '../http/answer.ts';
import type { SignedBody } from '../http/call.ts';
import { openAttempt } from '../request/open-attempt.ts';
import type { RequestOptions } from '../request/request-audio.ts';
import { usageIdOf } from '../stories/opening.ts';
import { decideGeneration } from './decide-generation.ts';
import { type GenerateRequest, parseGenerate } from './parse-generate.ts';

/**
 * Largest body of `/api/tts/generate`, in bytes. A voice profile is a few hundred kilobytes; the job with it must fit
 * into one Pub/Sub message, which may be 10 MB, and every body is held in memory before its signature is known.
 * @see https://cloud.google.com/pubsub/quotas
 */
export const MAX_GENERATE_BODY_BYTES = 4_194_304;

const MAX_KEY_CHARACTERS = 255;
const VOICE_NOT_ALLOWED = 'voice_id: is closed, or belongs to another user than user_id';

/**
 * The job id of an idempotency key: the same for the same story and key, a UUID as other job ids are (version 8, made
 * from a hash).
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
 */
const jobIdOfKey = (storyId: string, key: string): string => {
  const bytes = createHash('sha256')
    .update(`taleback-generate\n${JSON.stringify([storyId, key])}`)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

/** The request with the place of its recording instead of the recording, which is kept first. */
const withPlace = async (
  asked: GenerateRequest,
  { recordings, log }: RequestOptions,
): Promise<GenerateRequest | Refusal> => {
  const { profile_base64: recording, ...extras } = asked.extras;
  if (recording === undefined) return asked;
  if (recordings === undefined) {
    const sentence = 'profile_base64: is not accepted, because this deployment has no private store';
    return { kind: 'wrong-shape', sentence };
  }
  try {
    const recordingPath = await recordings.keep(asked.userId, Buffer.from(recording, 'base64'));
    return { ...asked, extras: { ...extras, recording_path: recordingPath } };
  } catch (error) {
    log('error', 'recording could not be kept', { storyId: asked.storyId, details: errorWords(error) });
    return { kind: 'recording-not-kept' };
  }
};

/**
 * Takes a job from another server: opens an attempt of the story, which is created when it does not exist, and queues
 * its job. The answer is `{status, job_id, metadata}`; a story under way answers with the job it has, and a request that
 * was answered before with the same job: one with the same signature, `webhook-id` or idempotency key.
 */
export const generateNarration = async (
  { value, messages }: SignedBody,
  idempotencyKey: string | undefined,
  options: RequestOptions,
): Promise<Refusal | { readonly kind: 'queued'; readonly body: Readonly<Record<string, unknown>> }> => {
  const parsed = parseGenerate(value);
  if (!parsed.ok) return { kind: 'wrong-shape', sentence: parsed.sentence };
  const { storyId, userId, voiceId } = parsed.value;
  if (idempotencyKey !== undefined && idempotencyKey.length > MAX_KEY_CHARACTERS) {
    const sentence = `x-idempotency-key: must be at most ${MAX_KEY_CHARACTERS} characters`;
    return { kind: 'wrong-shape', sentence };
  }
  const asked = await withPlace(parsed.value, options);
  if ('kind' in asked) return asked;
  const jobId = idempotencyKey ? jobIdOfKey(storyId, idempotencyKey) : options.newId();
  // A key that is not signed merges requests, and never separates those that a signature or `webhook-id` identifies.
  const keys = [
    ...messages.map(({ key, id }) => (id === undefined ? ['message', key] : ['webhook-id', id])),
    ...(idempotencyKey ? [['x-idempotency-key', idempotencyKey]] : []),
  ].map((key) => JSON.stringify([userId, ...key]));
  const answer = await openAttempt(
    { storyId, jobId, keys, counted: { userId, usageId: usageIdOf(userId, 'generate') } },
    (story, known) => decideGeneration({ asked, jobId, story, known }, options),
    options,
  );
  switch (answer.kind) {
    case 'opened':
    case 'under-way':
    case 'already-ready':
    case 'not-due': {
      const metadata = { story_id: storyId, user_id: userId, voice_id: voiceId, attempt: answer.attempt };
      return { kind: 'queued', body: { status: 'queued', job_id: answer.jobId ?? null, metadata } };
    }
    case 'no-such-story':
      return { kind: 'not-this-user', storyId };
    case 'unfit':
      return {
        kind: 'wrong-shape',
        sentence: answer.code === 'voice_not_allowed' ? VOICE_NOT_ALLOWED : answer.sentence,
      };
    case 'over-budget':
      return answer.retryAtMs === undefined
        ? { kind: 'wrong-shape', sentence: answer.sentence }
        : { ...answer, retryAfterSeconds: Math.ceil((answer.retryAtMs - options.now()) / 1000) };
    case 'store-away':
    case 'queue-away':
      return { kind: answer.kind };
    default:
      return answer satisfies never;
  }
};
