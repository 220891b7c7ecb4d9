import {
  type AutoRetryPolicy,
  type Decision,
  decide,
  describeError,
  type ErrorCode,
  errorWords,
  type FailedMessage,
  type Log,
  type NarrationState,
  type StoryMessage,
  type TransitionSource,
} from '@taleback/core';
import { type NarrationEvent, narrationEvent } from '../events/narration-event.ts';
import type { Publishing } from '../events/publish-owed.ts';
import type { ApplyOutcome, Decide, MessageTarget, StoryStore } from './firestore-stories.node.ts';

/** The failure of a job that ended without a message of its own. */
export const failureOf = (
  code: ErrorCode,
  { jobId, details }: { readonly jobId: string | undefined; readonly details: string | undefined },
): FailedMessage => {
  const { sentence: error, retryable } = describeError(code);
  return { kind: 'failed', jobId, error, details, code, retryable, metadata: undefined };
};

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
 * Applies a decision to its story in one transaction, then publishes the event of an end. If the event cannot be
 * published, the outcome is `store-away`, so that the sender retries; the message is then a duplicate, whose event is
 * published again. Fenced and stale messages have no event.
 *
 * An event that could not be published is owed. One of a message that is never sent again is owed from the moment that
 * the end is written until it is published.
 */
export const applyDecision = async (
  target: Omit<MessageTarget, 'notes'>,
  decideChange: Decide,
  { stories, publishing, log, now }: ApplyOptions,
): Promise<ApplyOutcome> => {
  const { storyId, isLastWord = false } = target;
  const eventOf = (decision: Decision['kind'], narration: NarrationState): NarrationEvent | undefined =>
    decision === 'applied' || decision === 'duplicate'
      ? narrationEvent(storyId, narration, now())
      : undefined;
  const isOwedAtOnce = isLastWord && publishing !== undefined;
  const outcome = await stories.apply(isOwedAtOnce ? { ...target, notes: eventOf } : target, decideChange);
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

export interface MessageToApply extends Omit<MessageTarget, 'notes'> {
  readonly message: StoryMessage;
  readonly source: TransitionSource;
  /** How long the job may be silent after a progress. Default 0, for the ends of a job. */
  readonly leaseMs?: number;
}

/** Applies what `decide` makes of a message. */
export const applyMessage = (
  { message, source, leaseMs = 0, ...target }: MessageToApply,
  options: ApplyOptions,
): Promise<ApplyOutcome> => {
  const context = { source, nowMs: options.now(), leaseMs, autoRetry: options.autoRetry };
  return applyDecision(target, (story, attempt) => decide(story, attempt, message, context), options);
};
