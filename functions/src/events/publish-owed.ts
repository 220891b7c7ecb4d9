import type { Log } from '@taleback/core';
import type { NarrationEvent } from './narration-event.ts';

/** Publishes ends of narrations. */
export interface Events {
  /** Resolves when the event is kept durably. @throws when it is not */
  publish(event: NarrationEvent): Promise<void>;
}

interface StoreAway {
  readonly kind: 'store-away';
  readonly cause: string;
}

export interface OwedPage {
  readonly kind: 'owed';
  readonly events: readonly NarrationEvent[];
  /** Where the next page begins; undefined at the end. Opaque. */
  readonly next: unknown;
}

/** Events that may not have been published yet. */
export interface OwedEvents {
  /** Keeps an event; one with the same id is replaced. */
  keep(event: NarrationEvent): Promise<{ readonly kind: 'kept' } | StoreAway>;
  /** At most so many, the longest owed first. */
  list(limit: number, from?: unknown): Promise<OwedPage | StoreAway>;
  /** Deletes an event that was published, if it exists. */
  settle(id: string): Promise<{ readonly kind: 'settled' } | StoreAway>;
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
  let from: unknown;
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
