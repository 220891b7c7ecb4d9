import { systemClock } from '@taleback/resilience';
import type { Log } from '@taleback/core';
import {
  type CallbackClient,
  callbackSubstitute,
  createCallbackClient,
  createHttpPost,
  createOutboxClient,
  createSendOnce,
  type DeadLetter,
  FAILED_CALLBACKS,
  formatDeadLetter,
  Outbox,
  type OutboxStatus,
  OutboxStore,
} from '@taleback/outbox';
import { type CallbacksConfig, type SigningSecrets, signingOf } from './config/callbacks-environment.ts';
import { type RecordStore, recordKey } from './storage/index.ts';

/** Five tries within about fifteen seconds: a receiver that restarts is back by then (seed 000: 1, 2, 4 s). */
const DIRECT_RETRY = {
  maxAttempts: 5,
  backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 8_000, jitter: 'equal' },
} as const;

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
  const http = createHttpPost({ allowPrivate: config.allowPrivate });
  const sending = { post: http.post, ...signingOf(config, secrets), now: Date.now };
  const keepDeadLetter = async (letter: DeadLetter): Promise<void> => {
    const { story_id: storyId } = JSON.parse(letter.message.body) as { story_id?: unknown };
    const key = recordKey(FAILED_CALLBACKS, String(storyId), letter.createdMs);
    await records.keep(key, formatDeadLetter(letter));
  };
  const outbox = new Outbox({
    store: new OutboxStore(config.outbox.folder, log),
    send: createSendOnce(sending),
    substituteFor: callbackSubstitute,
    keepDeadLetter,
    policy: config.outbox.policy,
    clock,
    random: Math.random,
    log,
  });
  const direct = createCallbackClient({ ...sending, retry: DIRECT_RETRY, log });
  await outbox.open();
  return {
    client: createOutboxClient({ outbox, direct, keepDeadLetter, clock, log }),
    status: () => outbox.status(),
    close: async () => {
      await outbox.close();
      await http.close();
    },
  };
};
