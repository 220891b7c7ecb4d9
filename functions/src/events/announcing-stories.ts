import type { Log, StoryStore } from '../receive/index.ts';
import { type NarrationEvent, narrationEvent } from './narration-event.ts';

/** Who is told of narrations that ended. */
export interface Events {
  /** Resolves when the event is kept durably. @throws when it is not */
  publish(event: NarrationEvent): Promise<void>;
}

export interface AnnouncingOptions {
  readonly events: Events;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Stories that tell of each end before they say that it is written. Whoever brought the end and finds the events away
 * is told that the store is, and tries again; the end is then a duplicate, which is told of as well. So is one whose
 * process died between the two. Fenced and stale messages tell nothing.
 */
export const createAnnouncingStories = <T extends StoryStore>(
  stories: T,
  { events, log, now }: AnnouncingOptions,
): T => ({
  ...stories,
  apply: async (target, decide) => {
    const outcome = await stories.apply(target, decide);
    if (outcome.kind !== 'decided' || outcome.narration === undefined) return outcome;
    const isEnd = outcome.decision === 'applied' || outcome.decision === 'duplicate';
    const event = isEnd ? narrationEvent(target.storyId, outcome.narration, now()) : undefined;
    if (event === undefined) return outcome;
    try {
      await events.publish(event);
      return outcome;
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      log('error', 'event could not be published', { id: event.id, cause });
      return { kind: 'store-away', cause: `event: ${cause}` };
    }
  },
});
