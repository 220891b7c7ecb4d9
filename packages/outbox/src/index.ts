export { type ParsedDeadLetter, parseDeadLetter } from './dead-letter.ts';
export { FAILED_CALLBACKS } from './give-up.ts';
export { Outbox, type OutboxOptions } from './outbox.ts';
export { createOutboxClient, type OutboxClientOptions } from './outbox-client.ts';
export { MAX_ENTRY_BYTES, type OutboxEntry, type ParsedEntry, parseEntry } from './outbox-entry.ts';
export type { OutboxFiles } from './outbox-files.ts';
export type { OutboxPolicy } from './outbox-policy.ts';
export type { SenderLock } from './sender-lock.ts';
