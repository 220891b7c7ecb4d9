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

/** Events whose publication is not known to have succeeded. */
export interface OwedEvents {
  /** Keeps an event; one with the same id is replaced. */
  keep(event: NarrationEvent): Promise<{ readonly kind: 'kept' } | StoreAway>;
  /** The longest owed, at most so many. */
  list(
    limit: number,
  ): Promise<{ readonly kind: 'owed'; readonly events: readonly NarrationEvent[] } | StoreAway>;
  /** Forgets an event that was published, if it is there. */
  settle(id: string): Promise<{ readonly kind: 'settled' } | StoreAway>;
}
