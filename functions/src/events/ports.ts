import type { NarrationEvent } from './narration-event.ts';

/** Who is told of narrations that ended. */
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
  /** Where the next page begins; undefined at the end. Only the store can read it. */
  readonly next: unknown;
}

/** Events whose publication is not known to have succeeded. */
export interface OwedEvents {
  /** Keeps an event; one with the same id is replaced. */
  keep(event: NarrationEvent): Promise<{ readonly kind: 'kept' } | StoreAway>;
  /** At most so many, the longest owed first. */
  list(limit: number, from?: unknown): Promise<OwedPage | StoreAway>;
  /** Forgets an event that was published, if it is there. */
  settle(id: string): Promise<{ readonly kind: 'settled' } | StoreAway>;
}
