export {
  type CallbackClient,
  type CallbackClientOptions,
  type CallbackMessage,
  callbackSubstitute,
  createCallbackClient,
  createOutboxClient,
  type OutboxClientOptions,
} from './callback-client.ts';
export { type OutboxPolicy } from './decide-next.ts';
export {
  type DeadLetter,
  FAILED_CALLBACKS,
  formatDeadLetter,
  formatEntry,
  type OutboxEntry,
  type ParsedDeadLetter,
  type ParsedEntry,
  parseDeadLetter,
  parseEntry,
} from './entry-file.ts';
export { createHttpPost, type HttpPost, type HttpPostOptions } from './http-post.node.ts';
export {
  type Delivery,
  describeFailure,
  type FailedDelivery,
  isHttpUrl,
  type OutboxCounts,
  type OutboxMessage,
  type OutboxStatus,
  type Substitute,
  AddressRefusedError,
  createSendOnce,
  type HmacSigning,
  type Post,
  type PostAnswer,
  type Sendable,
  type SendOnce,
  type SendOptions,
  type TryOutcome,
} from './message.ts';
export { type DeliverOptions, Outbox, type OutboxOptions } from './outbox.ts';
export { lifeOf, type ProcessName } from './process-life.node.ts';
export { isPublicAddress } from './public-address.node.ts';
export { readWaiting, type WaitingMessages } from './read-waiting.node.ts';
export { type Held, OutboxStore } from './store.node.ts';
export { DRAFT_ENDING, syncFolder, writeWhole } from './write-whole.node.ts';
