import type { Log } from '@taleback/core';
import type { NarrationEvent } from './narration-event.ts';
import type { OwedEvents } from './owed-events.node.ts';

/** Publishes ends of narrations. */
export interface Events {
  /** Resolves when the event is kept durably. @throws when it is not */
  publish(event: NarrationEvent): Promise<void>;
}

/** Where events go, and where they wait when they cannot. */
export interface Publishing {
  readonly events: Events;
  readonly owed: OwedEvents;
}

export interface PublishOwedOptions extends Publishing {
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Events published at once. Default 50. */
  readonly pageSize?: number;
  /** Time for one round, in milliseconds; the rest waits for the next. Default 20,000. */
  readonly budgetMs?: number;
}

/**
 * Publishes what is owed, page by page; a refused event does not delay the others. If the process dies between
 * publishing and settling, the event is published again under the same id.
 *
 * @returns how many events were published
 */
export const publishOwed = async ({
  owed,
  events,
  log,
  now,
  pageSize = 50,
  budgetMs = 20_000,
}: PublishOwedOptions): Promise<number> => {
  const publish = async (event: NarrationEvent): Promise<boolean> => {
    try {
      await events.publish(event);
    } catch (error) {
      log('warn', 'event is still owed', { id: event.id, cause: String(error) });
      return false;
    }
    await owed.settle(event.id);
    return true;
  };
  const startedAtMs = now();
  let published = 0;
  let from: Parameters<OwedEvents['list']>[1];
  do {
    const page = await owed.list(pageSize, from);
    if (page.kind === 'store-away') {
      log('error', 'Firestore is away', { cause: page.cause });
      return published;
    }
    const outcomes = await Promise.all(page.events.map(publish));
    published += outcomes.filter((isPublished) => isPublished).length;
    from = page.next;
  } while (from !== undefined && now() - startedAtMs < budgetMs);
  return published;
};
