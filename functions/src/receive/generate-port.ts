import type { Refusal } from './answer.ts';

/**
 * Largest body of `/api/tts/generate`, in bytes. A voice profile is a few hundred kilobytes; the job with it must fit
 * into one Pub/Sub message, which may be 10 MB, and every body is held in memory before its signature is known.
 * @see https://cloud.google.com/pubsub/quotas
 */
export const MAX_GENERATE_BODY_BYTES = 4_194_304;

/** Takes a job from another server: a refusal, or the body of the 200. */
export type Generate = (
  body: unknown,
  /** Names the job: the same key for the same story is the same job. */
  idempotencyKey: string | undefined,
) => Promise<Refusal | { readonly kind: 'queued'; readonly body: Readonly<Record<string, unknown>> }>;
