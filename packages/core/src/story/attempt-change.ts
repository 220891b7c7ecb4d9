import type { StoryMessage } from './message.ts';
import type { AudioStatus, Change, TransitionContext } from './story-audio.ts';
import { present } from './story-change.ts';

const statusOf = (message: StoryMessage): AudioStatus =>
  message.kind === 'progress' ? 'processing' : message.kind;

const textFrom = (
  metadata: Readonly<Record<string, unknown>> | undefined,
  name: string,
): string | undefined => {
  const value = metadata?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** What a message tells of an attempt, beside its status. */
const detailsOf = (message: StoryMessage): Record<string, unknown> => {
  switch (message.kind) {
    case 'progress':
      return { stage: message.stage };
    case 'ready':
      return {
        audioUrl: message.audioUrl,
        audioStoragePath: message.storagePath,
        durationMs: message.durationMs,
        voiceId: message.voiceId,
        language: message.language,
        engine: textFrom(message.metadata, 'engine'),
        worker: textFrom(message.metadata, 'worker_id'),
      };
    case 'failed':
      return {
        error: present({
          code: message.code,
          message: message.error,
          details: message.details,
          retryable: message.retryable,
        }),
        engine: textFrom(message.metadata, 'engine'),
        worker: textFrom(message.metadata, 'worker_id'),
      };
    default:
      return message satisfies never;
  }
};

/**
 * The history that a message writes on its attempt. Each status keeps who told of it and when, in
 * `transitions.{status}`; a ready takes away the error that stood there.
 *
 * @param from the status that the attempt leaves
 */
export const attemptChange = (
  from: AudioStatus | undefined,
  message: StoryMessage,
  context: TransitionContext,
): Change => {
  const at = new Date(context.nowMs);
  const status = statusOf(message);
  return {
    set: present({
      ...detailsOf(message),
      status,
      updatedAt: at,
      endedAt: message.kind === 'progress' ? undefined : at,
      transitions: from === status ? undefined : { [status]: { source: context.source, at } },
    }),
    remove: message.kind === 'ready' ? ['error'] : [],
  };
};
