import { type Generate, RETRY_AFTER_SECONDS } from '../receive/index.ts';
import { openAttempt, type RequestOptions } from '../request/index.ts';
import { decideGeneration } from './decide-generation.ts';
import { jobIdOfKey } from './job-id-of-key.ts';
import { parseGenerate } from './parse-generate.ts';

const MAX_KEY_CHARACTERS = 255;

/**
 * Takes jobs from other servers, in the words of the source systems: opens an attempt of the story, which is created
 * when it is not there, and queues its job. The answer is `{status, job_id, metadata}`; a story under way answers with
 * the job it has, and the same idempotency key with the same job.
 */
export const createGenerate =
  (options: RequestOptions): Generate =>
  async (body, idempotencyKey) => {
    const parsed = parseGenerate(body);
    if (!parsed.ok) return { kind: 'wrong-shape', sentence: parsed.sentence };
    const asked = parsed.value;
    const { storyId, userId, voiceId } = asked;
    if (idempotencyKey !== undefined && idempotencyKey.length > MAX_KEY_CHARACTERS) {
      const sentence = `x-idempotency-key: must be at most ${MAX_KEY_CHARACTERS} characters`;
      return { kind: 'wrong-shape', sentence };
    }
    const jobId = idempotencyKey ? jobIdOfKey(storyId, idempotencyKey) : options.newId();
    const answer = await openAttempt(
      storyId,
      jobId,
      (story, known) => decideGeneration(asked, jobId, story, known, options),
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
        return { kind: 'wrong-shape', sentence: answer.sentence };
      case 'store-away':
      case 'queue-away':
        return { kind: answer.kind, retryAfterSeconds: RETRY_AFTER_SECONDS };
      default:
        return answer satisfies never;
    }
  };
