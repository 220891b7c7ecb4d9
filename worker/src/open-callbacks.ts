import { randomBytes } from 'node:crypto';
import { systemClock } from '@taleback/resilience';
import { createFolderOutbox } from '@taleback/outbox/src/folder-outbox.node.ts';
import { createOutboxLock } from '@taleback/outbox/src/outbox-lock.node.ts';
import { createUndiciPost } from '@taleback/outbox/src/undici-post.node.ts';
import {
  type CallbackClient,
  createCallbackClient,
  createSendOnce,
} from '@taleback/outbox/src/callbacks-index.ts';
import { type CallbacksConfig, type SigningSecrets, signingOf } from './config/callbacks-environment.ts';
import type { Log } from '@taleback/core';
import type { OutboxStatus } from '@taleback/outbox/src/outbox-status.ts';
import { createOutboxClient, Outbox } from '@taleback/outbox/src/index.ts';
import type { RecordStore } from './storage/index.ts';

/** Five tries within about fifteen seconds: a receiver that restarts is back by then (seed 000: 1, 2, 4 s). */
const DIRECT_RETRY = {
  maxAttempts: 5,
  backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 8_000, jitter: 'equal' },
} as const;

const ID_BYTES = 6;

export interface CallbacksOptions {
  readonly config: CallbacksConfig;
  readonly secrets: SigningSecrets;
  /** Where callbacks that were given up are kept. */
  readonly records: RecordStore;
  readonly log: Log;
}

export interface OpenCallbacks {
  readonly client: CallbackClient;
  readonly status: () => OutboxStatus;
  /** Waits a few seconds for what was written a moment ago; what is left lies on the disk. */
  readonly close: () => Promise<void>;
}

/** The callbacks of a worker: signed, kept in the outbox, and sent from it as soon as it is open. */
export const openCallbacks = async ({
  config,
  secrets,
  records,
  log,
}: CallbacksOptions): Promise<OpenCallbacks> => {
  const clock = systemClock;
  const poster = createUndiciPost({ allowPrivate: config.allowPrivate });
  const sending = { post: poster.post, ...signingOf(config, secrets), now: Date.now };
  const { folder, policy } = config.outbox;
  const outbox = new Outbox({
    files: createFolderOutbox(folder),
    lock: createOutboxLock(folder, log),
    sendOnce: createSendOnce(sending),
    records,
    policy,
    clock,
    random: Math.random,
    newId: () => randomBytes(ID_BYTES).toString('hex'),
    log,
  });
  const direct = createCallbackClient({ ...sending, retry: DIRECT_RETRY, log });
  await outbox.open();
  return {
    client: createOutboxClient({ outbox, direct, records, clock, log }),
    status: () => outbox.status(),
    close: async () => {
      await outbox.close();
      await poster.close();
    },
  };
};
