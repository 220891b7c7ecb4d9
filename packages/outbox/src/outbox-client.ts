import { withoutTokens } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import { type CallbackClient, type CallbackMessage, type Delivery, isHttpUrl } from './callbacks-index.ts';
import { describeFault, type Log } from '@taleback/core';
import { type RecordStore, recordKey } from '@taleback/worker/src/storage/index.ts';
import { formatDeadLetter } from './dead-letter.ts';
import { keptUntried } from './delivery-of.ts';
import { FAILED_CALLBACKS } from './give-up.ts';
import type { Outbox } from './outbox.ts';

export interface OutboxClientOptions {
  readonly outbox: Outbox;
  /** Sends what the outbox cannot take, and what is not worth keeping. */
  readonly direct: CallbackClient;
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest time that a job waits for the first try of its message, ms: a healthy receiver answers within it. */
const FIRST_TRY_MS = 5_000;

/** What comes first: the end of the first try, the time, or the signal. */
const firstOf = (
  firstTry: Promise<Delivery>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Delivery> =>
  new Promise((resolve) => {
    const giveUp = (): void => settle(keptUntried('its first try takes long'));
    const cancelTimer = clock.setTimer(giveUp, FIRST_TRY_MS);
    const settle = (delivery: Delivery): void => {
      cancelTimer();
      signal?.removeEventListener('abort', giveUp);
      resolve(delivery);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted === true) giveUp();
    void firstTry.then(settle);
  });

/** The client that loses nothing: a message is on the disk before it is sent, and stays until it is told. */
export const createOutboxClient = (options: OutboxClientOptions): CallbackClient => {
  const { outbox, direct, records, clock, log } = options;

  const keepRecord = async (message: CallbackMessage, delivery: Delivery): Promise<void> => {
    if (delivery.kind === 'delivered' || delivery.kind === 'kept') return;
    const nowMs = Math.floor(clock.now());
    const end = {
      why: delivery.kind === 'refused' ? ('refused' as const) : ('expired' as const),
      delivery,
      attempts: delivery.kind === 'refused' ? 1 : delivery.attempts,
      atMs: nowMs,
    };
    try {
      const key = recordKey(FAILED_CALLBACKS, message.payload.story_id, nowMs);
      await records.keep(key, formatDeadLetter({ message, createdMs: nowMs }, end));
    } catch (error) {
      const { url, messageId } = message;
      log('error', 'failed callback could not be kept', {
        url: withoutTokens(url),
        messageId,
        error: describeFault(error),
      });
    }
  };

  const deliverDirectly = async (message: CallbackMessage, signal?: AbortSignal): Promise<Delivery> => {
    outbox.countSentWithout();
    const delivery = await direct.deliver(message, signal);
    await keepRecord(message, delivery);
    return delivery;
  };

  return {
    deliver: async (message, signal) => {
      if (!isHttpUrl(message.url)) return direct.deliver(message, signal);
      let written: { readonly firstTry: Promise<Delivery> };
      try {
        written = await outbox.put(message);
      } catch (error) {
        const { url, messageId } = message;
        log('error', 'outbox cannot be written', {
          url: withoutTokens(url),
          messageId,
          error: describeFault(error),
        });
        return deliverDirectly(message, signal);
      }
      return firstOf(written.firstTry, clock, signal);
    },
    deliverOnce: (message, signal) => direct.deliverOnce(message, signal),
  };
};
