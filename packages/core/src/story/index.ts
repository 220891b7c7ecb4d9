export * from './budget.ts';
export { isRetryDue, isRetryLost, isTransient, MAX_RETRY_WAIT_MS } from './changes.ts';
export {
  type Attempts,
  type AttemptWrite,
  type Decision,
  decide,
  decideCancel,
  type StoryEventKind,
} from './decide.ts';
export * from './message.ts';
export * from './overdue.ts';
export { type AudioRequest, decideRequest, type RequestDecision } from './request.ts';
export * from './story-audio.ts';
