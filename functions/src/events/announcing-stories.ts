import type { Decision, NarrationState } from '@taleback/core';
import type { Log, StoryStore } from '../receive/index.ts';
import { type NarrationEvent, narrationEvent } from './narration-event.ts';
import type { Events, OwedEvents } from './ports.ts';

export interface AnnouncingOptions {
  readonly events: Events;
  readonly owed: Pick<OwedEvents, 'keep' | 'settle'>;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Stories that tell of each end before they say that it is written. Whoever brought the end and finds the events away
 * is told that the store is, and tries again; the end is then a duplicate, which is told of as well. So is one whose
 * process died between the two. Fenced and stale messages tell nothing.
 *
 * An event that could not be published is owed; one of a message that nobody brings again is owed from the moment
 * that the end is written until it is published.
 */
export const createAnnouncingStories = <T extends StoryStore>(
  stories: T,
  { events, owed, log, now }: AnnouncingOptions,
): T => ({
  ...stories,
  apply: async (target, decide) => {
    const { storyId, isLastWord = false } = target;
    const eventOf = (decision: Decision['kind'], narration: NarrationState): NarrationEvent | undefined =>
      decision === 'applied' || decision === 'duplicate'
        ? narrationEvent(storyId, narration, now())
        : undefined;
    const outcome = await stories.apply(isLastWord ? { ...target, notes: eventOf } : target, decide);
    if (outcome.kind !== 'decided' || outcome.narration === undefined) return outcome;
    const event = eventOf(outcome.decision, outcome.narration);
    if (event === undefined) return outcome;
    try {
      await events.publish(event);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      const isOwed = isLastWord || (await owed.keep(event)).kind === 'kept';
      log('error', 'event could not be published', { id: event.id, cause, isOwed });
      return { kind: 'store-away', cause: `event: ${cause}` };
    }
    if (isLastWord) await owed.settle(event.id);
    return outcome;
  },
});
