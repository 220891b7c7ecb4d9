import { errorWords, type Log } from '@taleback/core';
import { type Clock, systemClock } from '@taleback/resilience';
import type { NarrationEvent } from './narration-event.ts';
import type { OwedEvents } from './owed-events.node.ts';

/** Publishes changes of narrations. */
export interface Events {
  /** Resolves when the event is kept durably. @throws when it is not */
  publish(event: NarrationEvent): Promise<void>;
}

/** Where events go, and where they wait until they are published. */
export interface Publishing {
  readonly events: Events;
  readonly owed: OwedEvents;
  /** How long the answer to a message waits for the publication of its event, in milliseconds. Default 500. */
  readonly limitMs?: number | undefined;
  /** Default: the real one. */
  readonly clock?: Pick<Clock, 'setTimer'> | undefined;
}

type PublishOptions = Publishing & { readonly log: Log };

/** Publishes an owed event; whether it is published now. */
const publish = async (event: NarrationEvent, { events, log }: PublishOptions): Promise<boolean> => {
  try {
    await events.publish(event);
    return true;
  } catch (error) {
    log('warn', 'event is still owed', { id: event.id, cause: errorWords(error) });
    return false;
  }
};

/** An event that cannot be settled is published again by the sweep, with the same id. */
const settle = async ({ id }: NarrationEvent, { owed, log }: PublishOptions): Promise<void> => {
  const settled = await owed.settle(id).catch((error: unknown) => ({ cause: errorWords(error) }));
  if ('cause' in settled) log('warn', 'published event could not be settled', { id, cause: settled.cause });
};

/**
 * Publishes the event of a change that was just written, and resolves after the limit in any case. The publication then
 * goes on while the process runs; if it does not succeed, the sweep publishes the event. Settling is not waited for.
 */
export const publishNow = async (event: NarrationEvent, options: PublishOptions): Promise<void> => {
  const { clock = systemClock, limitMs = 500 } = options;
  const publishAndSettle = async (): Promise<void> => {
    if (await publish(event, options)) void settle(event, options);
  };
  const published = publishAndSettle();
  if (limitMs === 0) return;
  let cancel: (() => void) | undefined;
  const limit = new Promise<void>((resolve) => {
    cancel = clock.setTimer(resolve, limitMs);
  });
  await Promise.race([published, limit]);
  cancel?.();
};

export interface PublishOwedOptions extends Publishing {
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Events published at once. Default 50. */
  readonly pageSize?: number;
  /** Time for one round, in milliseconds; the rest waits for the next. Default 20,000. */
  readonly budgetMs?: number;
  /** How long an event is left to the process that wrote it, in milliseconds. Default 10,000. */
  readonly minAgeMs?: number;
}

/**
 * Publishes what is owed, page by page; a refused event does not delay the others. If the process dies between
 * publishing and settling, the event is published again under the same id.
 *
 * @returns how many events were published
 */
export const publishOwed = async (options: PublishOwedOptions): Promise<number> => {
  const { owed, log, now, pageSize = 50, budgetMs = 20_000, minAgeMs = 10_000 } = options;
  const startedAtMs = now();
  let published = 0;
  let from: Parameters<OwedEvents['list']>[2];
  do {
    const page = await owed.list(startedAtMs - minAgeMs, pageSize, from);
    if (page.kind === 'store-away') {
      log('error', 'Firestore is away', { cause: page.cause });
      return published;
    }
    const outcomes = await Promise.all(
      page.events.map(async (event) => {
        const isPublished = await publish(event, options);
        if (isPublished) await settle(event, options);
        return isPublished;
      }),
    );
    published += outcomes.filter(Boolean).length;
    from = page.next;
  } while (from !== undefined && now() - startedAtMs < budgetMs);
  return published;
};
