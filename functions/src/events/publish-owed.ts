import type { Log } from '../receive/index.ts';
import type { NarrationEvent } from './narration-event.ts';
import type { Events, OwedEvents } from './ports.ts';

export interface PublishOwedOptions {
  readonly owed: OwedEvents;
  readonly events: Events;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Events published at once. Default 50. */
  readonly pageSize?: number;
  /** Time for one round, in milliseconds; what is left over waits for the next. Default 20,000. */
  readonly budgetMs?: number;
}

const DEFAULT_PAGE_SIZE = 50;
const DEFAULT_BUDGET_MS = 20_000;

/**
 * Publishes what is owed, page by page; one event that is refused keeps none of the others. Who dies between publishing
 * and settling has the event published again, under the same id.
 *
 * @returns how many events were published
 */
export const publishOwed = async ({
  owed,
  events,
  log,
  now,
  pageSize = DEFAULT_PAGE_SIZE,
  budgetMs = DEFAULT_BUDGET_MS,
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
