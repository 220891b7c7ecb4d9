export type { DeadLetter, DeadLetters } from './dead-letters.ts';
export { type DispatchEnd, type DispatchOptions, dispatchJob, type QueuedMessage } from './dispatch-job.ts';
