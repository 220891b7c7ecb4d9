import {
  type AutoRetryPolicy,
  classifyWords,
  decide,
  describeError,
  documentIdFault,
  isJsonObject,
  type StoryMessage,
} from '@taleback/core';
import type { QueuedMessage } from '../dispatch/index.ts';
import type { Log, StoryStore } from '../receive/index.ts';

export interface DeadLetterOptions {
  readonly stories: StoryStore;
  readonly pendingLeaseMs: number;
  readonly autoRetry?: AutoRetryPolicy | undefined;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * How a letter ends; each of these acknowledges it.
 *
 * - `told`: the story knows, or knew already
 * - `nobody's`: the letter names no story and no job, or none that there is
 */
export type DeadLetterEnd = 'told' | "nobody's";

/** Pub/Sub itself writes it on what it gave up delivering. @see https://cloud.google.com/pubsub/docs/handling-failures */
const GIVEN_UP = 'CloudPubSubDeadLetterSourceDeliveryCount';

const MAX_REASON_CHARACTERS = 1_000;

const object = (value: unknown): Readonly<Record<string, unknown>> => (isJsonObject(value) ? value : {});

const parsed = (data: Buffer): unknown => {
  try {
    return JSON.parse(data.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
};

const documentIdIn = (...values: readonly unknown[]): string | undefined =>
  values.find((value): value is string => typeof value === 'string' && documentIdFault(value) === undefined);

/** Whose job it was, from the attributes, else from the job itself. */
const nameJob = ({ data, attributes }: QueuedMessage): { storyId: string; jobId: string } | undefined => {
  const event = object(parsed(data));
  const metadata = object(object(event['input'])['metadata']);
  const storyId = documentIdIn(attributes['storyId'], metadata['story_id']);
  const jobId = documentIdIn(attributes['jobId'], event['id']);
  return storyId === undefined || jobId === undefined ? undefined : { storyId, jobId };
};

/** A job that went to the workers again and again, and came back each time, took them down with it. */
const failureOf = ({ attributes }: QueuedMessage, jobId: string): StoryMessage => {
  const deliveries = attributes[GIVEN_UP];
  const reason =
    attributes['reason'] ??
    (deliveries === undefined ? 'no reason given' : `given up after ${deliveries} tries`);
  const told = classifyWords({ error: reason, errorType: attributes['code'] });
  const code = told === 'unknown' ? 'worker_lost' : told;
  return {
    kind: 'failed',
    jobId,
    error: describeError(code).sentence,
    details: `dead letter: ${reason.slice(0, MAX_REASON_CHARACTERS)}`,
    code,
    retryable: attributes['retryable'] !== 'false',
    metadata: undefined,
  };
};

/**
 * Tells a story that nobody could take its job.
 * @throws Error when the letter must come again: the story could not be told
 */
export const failDeadLetter = async (
  message: QueuedMessage,
  { stories, autoRetry, pendingLeaseMs, log, now }: DeadLetterOptions,
): Promise<DeadLetterEnd> => {
  const job = nameJob(message);
  const { reason } = message.attributes;
  if (job === undefined) {
    log('error', 'dead letter of no job', { reason });
    return "nobody's";
  }
  const failure = failureOf(message, job.jobId);
  const context = { source: 'dead-letter', nowMs: now(), leaseMs: pendingLeaseMs, autoRetry } as const;
  const outcome = await stories.apply(job, (story, attempt) => decide(story, attempt, failure, context));
  if (outcome.kind === 'store-away') throw new Error(`the story could not be told: ${outcome.cause}`);
  log('warn', 'dead letter', { ...job, reason, outcome: outcome.kind });
  return outcome.kind === 'no-such-story' ? "nobody's" : 'told';
};
