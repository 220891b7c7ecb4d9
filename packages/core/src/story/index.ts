export { isRetryDue, isTransient } from './changes.ts';
export {
  type AttemptWrite,
  type Decision,
  decide,
  decideNoRetry,
  decideRenewal,
  isAsSeen,
  isOverdue,
} from './decide.ts';
export * from './message.ts';
export { type AudioRequest, decideRequest, type RequestDecision } from './request.ts';
export {
  type AttemptAudio,
  AUDIO_STATUSES,
  type AudioField,
  type AudioStatus,
  type AutoRetryPolicy,
  type Change,
  type NarrationState,
  readAttemptAudio,
  readNarration,
  readStoryAudio,
  type StoryAudio,
  type TransitionContext,
  type TransitionSource,
} from './story-audio.ts';
