export { isRetryDue, isTransient } from './auto-retry.ts';
export { type AttemptWrite, type Decision, decide } from './decide.ts';
export {
  type FailedMessage,
  messageFromError,
  messageFromProgress,
  messageFromSuccess,
  type ProgressMessage,
  type ReadyMessage,
  type StoryMessage,
} from './message.ts';
export { type NarrationState, readNarration } from './narration-state.ts';
export { decideNoRetry, decideRenewal, isAsSeen, isOverdue } from './overdue.ts';
export { type AudioRequest, decideRequest, type RequestDecision } from './request.ts';
export {
  type AttemptAudio,
  AUDIO_STATUSES,
  type AudioField,
  type AudioStatus,
  type AutoRetryPolicy,
  type Change,
  readAttemptAudio,
  readStoryAudio,
  type StoryAudio,
  type TransitionContext,
  type TransitionSource,
} from './story-audio.ts';
export { withoutTokens } from './without-tokens.ts';
