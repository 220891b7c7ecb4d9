import { randomUUID } from 'node:crypto';
import {
  type AutoRetryPolicy,
  decide,
  describeError,
  type ErrorCode,
  type FailedMessage,
  type Log,
  type StoryMessage,
  type TransitionContext,
} from '@taleback/core';
import { type NarrationEvent, narrationEvent } from '../events/narration-event.ts';
import { type Publishing, publishNow } from '../events/publish-owed.ts';
import type { ApplyOutcome, Decide, MessageTarget } from './documents.ts';
import type { StoryStore } from './firestore-stories.node.ts';

/** The failure of a job that ended without a message of its own. */
export const failureOf = (
  code: ErrorCode,
  { jobId, details }: { readonly jobId: string | undefined; readonly details: string | undefined },
): FailedMessage => {
  const { sentence: error, retryable } = describeError(code);
  return { kind: 'failed', jobId, error, details, code, retryable, metadata: undefined };
};

export interface EventOptions {
  /** Default: no events. */
  readonly publishing?: Publishing | undefined;
  /** Makes the id of an event. Default: a random UUID. */
  readonly newEventId?: (() => string) | undefined;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface ApplyOptions extends EventOptions {
  readonly stories: Pick<StoryStore, 'apply'>;
  /** Default: a failure waits for a person. */
  readonly autoRetry?: AutoRetryPolicy | undefined;
}

/** Makes the events of a story; undefined where events are off. */
export const eventsOf = (
  storyId: string,
  { publishing, now, newEventId = randomUUID }: EventOptions,
): MessageTarget['eventOf'] =>
  publishing &&
  ((kind, narration) => narrationEvent({ id: newEventId(), kind, storyId, nowMs: now() }, narration));

/** Publishes what a transaction wrote. */
export const publishEvent = async (
  event: NarrationEvent | undefined,
  { publishing, log }: EventOptions,
): Promise<void> => {
  if (event !== undefined && publishing !== undefined) await publishNow(event, { ...publishing, log });
};

/**
 * Applies a decision to its story in one transaction, which writes the event of an end, too. Then publishes the event;
 * the outcome does not depend on that.
 */
export const applyDecision = async (
  target: Omit<MessageTarget, 'eventOf'>,
  decideChange: Decide,
  options: ApplyOptions,
): Promise<ApplyOutcome> => {
  const eventOf = eventsOf(target.storyId, options);
  const outcome = await options.stories.apply({ ...target, eventOf }, decideChange);
  if (outcome.kind === 'decided') await publishEvent(outcome.event, options);
  return outcome;
};

export interface MessageToApply
  extends Omit<MessageTarget, 'eventOf'>,
    Pick<TransitionContext, 'source' | 'isRunning'> {
  readonly message: StoryMessage;
  /** How long the job may be silent after a progress. Default 0, for the ends of a job. */
  readonly leaseMs?: number;
}

/** Applies what `decide` makes of a message. */
export const applyMessage = (
  { message, source, isRunning, leaseMs = 0, ...target }: MessageToApply,
  options: ApplyOptions,
): Promise<ApplyOutcome> => {
  const context = { source, isRunning, nowMs: options.now(), leaseMs, autoRetry: options.autoRetry };
  return applyDecision(target, (story, attempts) => decide(story, attempts, message, context), options);
};
