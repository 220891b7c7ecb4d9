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
export { type AudioRequest, decideRequest, type RequestDecision } from './request.ts';
export {
  type AttemptAudio,
  AUDIO_STATUSES,
  type AudioField,
  type AudioStatus,
  type Change,
  readAttemptAudio,
  readStoryAudio,
  type StoryAudio,
  type TransitionContext,
  type TransitionSource,
} from './story-audio.ts';
