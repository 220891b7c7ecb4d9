import { createSendOnce, type Post, type PostAnswer } from '@taleback/outbox/src/callbacks-index.ts';
import { signingOf, type WorkerConfig } from '@taleback/worker/src/config.ts';
import type { ReceiverAnswer } from '@taleback/speech/src/diagnosis/index.ts';

/** Posts a body as the worker signs its callbacks. Rejects when no answer came. */
export const signedPost = (
  config: WorkerConfig,
  post: Post,
): ((url: string, body: unknown, signal: AbortSignal) => Promise<ReceiverAnswer>) => {
  const signing = signingOf(config.callbacks, config.secrets);
  return async (url, body, signal) => {
    const messageId = `doctor_${crypto.randomUUID()}`;
    let told: PostAnswer | undefined;
    const sendOnce = createSendOnce({
      post: async (...request) => (told = await post(...request)),
      ...signing,
      now: Date.now,
    });
    const outcome = await sendOnce({ url, messageId, body: Buffer.from(JSON.stringify(body)) }, signal);
    switch (outcome.kind) {
      case 'accepted':
        return { status: told?.status ?? 200, excerpt: told?.excerpt ?? '' };
      case 'not-accepted':
        return outcome;
      default:
        throw new Error(outcome.cause);
    }
  };
};
