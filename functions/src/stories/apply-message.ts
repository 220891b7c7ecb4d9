import {
  type AttemptAudio,
  type AutoRetryPolicy,
  describeError,
  type ErrorCode,
  type FailedMessage,
  type Decision,
  errorWords,
  type Log,
  type NarrationState,
  type StoryAudio,
} from '@taleback/core';
import { type NarrationEvent, narrationEvent } from '../events/narration-event.ts';
import type { Publishing } from '../events/publish-owed.ts';
import type { ApplyOutcome, MessageTarget, StoryStore } from './story-store.ts';

/** The failure of a job that ended without a message of its own. */
export const failureOf = (
  code: ErrorCode,
  { jobId, details }: { readonly jobId: string | undefined; readonly details: string | undefined },
): FailedMessage => ({
  kind: 'failed',
  jobId,
  error: describeError(code).sentence,
  details,
  code,
  retryable: describeError(code).retryable,
  metadata: undefined,
});

export interface ApplyOptions {
  readonly stories: Pick<StoryStore, 'apply'>;
  /** Default: a failure waits for a person. */
  readonly autoRetry?: AutoRetryPolicy | undefined;
  /** Default: no events. */
  readonly publishing?: Publishing | undefined;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Applies a message to its story in one transaction, then publishes the event of an end. If the event cannot be
 * published, the outcome is `store-away`, so that the sender retries; the message is then a duplicate, whose event is
 * published again. Fenced and stale messages have no event.
 *
 * An event that could not be published is owed. One of a message that is never sent again is owed from the moment that
 * the end is written until it is published.
 */
export const applyMessage = async (
  target: MessageTarget,
  decide: (story: StoryAudio, attempt: AttemptAudio | undefined) => Decision,
  { stories, publishing, log, now }: ApplyOptions,
): Promise<ApplyOutcome> => {
  const { storyId, isLastWord = false } = target;
  const eventOf = (decision: Decision['kind'], narration: NarrationState): NarrationEvent | undefined =>
    decision === 'applied' || decision === 'duplicate'
      ? narrationEvent(storyId, narration, now())
      : undefined;
  const isOwedAtOnce = isLastWord && publishing !== undefined;
  const outcome = await stories.apply(isOwedAtOnce ? { ...target, notes: eventOf } : target, decide);
  if (publishing === undefined || outcome.kind !== 'decided' || outcome.narration === undefined)
    return outcome;
  const event = eventOf(outcome.decision, outcome.narration);
  if (event === undefined) return outcome;
  try {
    await publishing.events.publish(event);
  } catch (error) {
    const cause = errorWords(error);
    const isOwed = isOwedAtOnce || (await publishing.owed.keep(event)).kind === 'kept';
    log('error', 'event could not be published', { id: event.id, cause, isOwed });
    return { kind: 'store-away', cause: `event: ${cause}` };
  }
  if (isOwedAtOnce) await publishing.owed.settle(event.id);
  return outcome;
};
