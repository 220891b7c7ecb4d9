export { answerFault } from './answer.ts';
export type { Log } from './log.ts';
export { createReceiver, type Receiver, type ReceiverOptions } from './receiver.ts';
export type { ApplyOutcome, MessageTarget, StoryStore } from './story-store.ts';
