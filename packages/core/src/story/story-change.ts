import { autoRetryAt } from './auto-retry.ts';
import type { FailedMessage, ProgressMessage, ReadyMessage, StoryMessage } from './message.ts';
import {
  AUDIO_GROUP,
  AUTO_RETRY_GROUP,
  type Change,
  ERROR_GROUP,
  RUNNING_GROUP,
  type StoryAudio,
  type TransitionContext,
} from './story-audio.ts';

/** Leaves out what is undefined: a field we know nothing of is never written, least of all as null. */
export const present = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Sets a group of fields and removes those of the group that the message does not carry. */
const replaceGroup = (group: readonly string[], fields: Record<string, unknown>): Change => {
  const set = present(fields);
  return { set, remove: group.filter((name) => !Object.hasOwn(set, name)) };
};

const progressChange = (story: StoryAudio, message: ProgressMessage, context: TransitionContext): Change => ({
  set: present({
    audioStatus: 'processing',
    audioProgress: Math.max(story.status === 'processing' ? (story.progress ?? 0) : 0, message.progress ?? 0),
    audioLeaseExpiresAt: new Date(context.nowMs + context.leaseMs),
  }),
  remove: [],
});

const readyChange = (message: ReadyMessage): Change => {
  const audio = replaceGroup(AUDIO_GROUP, {
    audioUrl: message.audioUrl,
    audioStoragePath: message.storagePath,
    audioDurationMs: message.durationMs,
    audioMetadata: message.metadata,
  });
  return {
    set: present({
      audioStatus: 'ready',
      ...audio.set,
      voiceId: message.voiceId,
      voiceName: message.voiceName,
      language: message.language,
    }),
    remove: [...audio.remove, ...ERROR_GROUP, ...RUNNING_GROUP, ...AUTO_RETRY_GROUP],
  };
};

const failedChange = (story: StoryAudio, message: FailedMessage, context: TransitionContext): Change => {
  const error = replaceGroup(ERROR_GROUP, {
    audioError: message.error,
    audioErrorDetails: message.details,
    audioErrorCode: message.code,
    audioErrorRetryable: message.retryable,
    audioErrorMetadata: message.metadata,
  });
  const retry = replaceGroup(['audioRetryAt'], { audioRetryAt: autoRetryAt(story, message, context) });
  return {
    set: { audioStatus: 'failed', ...error.set, ...retry.set },
    remove: [...error.remove, ...RUNNING_GROUP, ...retry.remove],
  };
};

/** What a message that moves the current job changes on the story. */
export const storyChange = (story: StoryAudio, message: StoryMessage, context: TransitionContext): Change => {
  switch (message.kind) {
    case 'progress':
      return progressChange(story, message, context);
    case 'ready':
      return readyChange(message);
    case 'failed':
      return failedChange(story, message, context);
    default:
      return message satisfies never;
  }
};
