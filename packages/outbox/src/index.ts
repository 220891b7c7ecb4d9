export * from './callback-client.ts';
export { type OutboxPolicy } from './decide-next.ts';
export * from './entry-file.ts';
export { createHttpPost, type HttpPost, type HttpPostOptions } from './http-post.node.ts';
export {
  bearsToken,
  isLoopback,
  listenAt,
  type LocalRefusal,
  type LocalServer,
  readBody,
  refuseForeign,
} from './local-guard.node.ts';
export type * from './message.ts';
export {
  AddressRefusedError,
  createSendOnce,
  describeFailure,
  isHttpUrl,
} from './message.ts';
export { type DeliverOptions, Outbox, type OutboxStatus } from './outbox.ts';
export { lifeOf, type ProcessName } from './process-life.node.ts';
export { isPublicAddress } from './public-address.node.ts';
export { readWaiting, type WaitingMessages } from './read-waiting.node.ts';
export { type OutboxOptions } from './sender.ts';
export { type Held, OutboxStore } from './store.node.ts';
export {
  DRAFT_ENDING,
  makeFolder,
  makePrivateFolder,
  movePrivate,
  removeOldAside,
  syncFolder,
  writePrivate,
  writeWhole,
} from './write-whole.node.ts';
