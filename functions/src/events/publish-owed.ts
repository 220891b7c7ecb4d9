import type { Log } from '../receive/index.ts';
import type { NarrationEvent } from './narration-event.ts';
import type { Events, OwedEvents } from './ports.ts';

export interface PublishOwedOptions {
  readonly owed: OwedEvents;
  readonly events: Events;
  readonly log: Log;
  /** Events published at once. Default 50. */
  readonly pageSize?: number;
}

const DEFAULT_PAGE_SIZE = 50;

/**
 * Publishes what is owed, page by page, until a page brings nothing away. One that dies between publishing and
 * settling has the event published again, under the same id.
 *
 * @returns how many events were published
 */
export const publishOwed = async ({
  owed,
  events,
  log,
  pageSize = DEFAULT_PAGE_SIZE,
}: PublishOwedOptions): Promise<number> => {
  const publish = async (event: NarrationEvent): Promise<boolean> => {
    try {
      await events.publish(event);
    } catch (error) {
      log('warn', 'event is still owed', { id: event.id, cause: String(error) });
      return false;
    }
    const settled = await owed.settle(event.id);
    return settled.kind === 'settled';
  };
  let published = 0;
  for (;;) {
    const page = await owed.list(pageSize);
    if (page.kind === 'store-away') {
      log('error', 'Firestore is away', { cause: page.cause });
      return published;
    }
    const outcomes = await Promise.all(page.events.map(publish));
    const settled = outcomes.filter((isSettled) => isSettled).length;
    published += settled;
    if (settled === 0 || page.events.length < pageSize) return published;
  }
};
