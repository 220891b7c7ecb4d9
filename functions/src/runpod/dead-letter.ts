import { classifyWords, documentIdFault, isRecord, type StoryMessage } from '@taleback/core';
import { readJson } from '../http/call.ts';
import { type ApplyOptions, applyMessage, failureOf } from '../stories/apply-message.ts';
import type { QueuedMessage } from './dispatch.ts';

/**
 * How a letter ends; each of these acknowledges it.
 *
 * - `failed-story`: the story has ended, or had ended before
 * - `no-story`: the letter names no story and job, or none that exists
 */
export type DeadLetterOutcome = 'failed-story' | 'no-story';

/** Pub/Sub adds it to messages that it gave up delivering. @see https://cloud.google.com/pubsub/docs/handling-failures */
const GIVEN_UP = 'CloudPubSubDeadLetterSourceDeliveryCount';

const MAX_REASON_CHARACTERS = 1_000;

const object = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});

const documentIdIn = (...values: readonly unknown[]): string | undefined =>
  values.find((value): value is string => typeof value === 'string' && documentIdFault(value) === undefined);

/** The job's ids, from the attributes, else from the job itself. */
const nameJob = ({ data, attributes }: QueuedMessage): { storyId: string; jobId: string } | undefined => {
  const event = object(readJson(data.toString('utf8')));
  const metadata = object(object(event['input'])['metadata']);
  const storyId = documentIdIn(attributes['storyId'], metadata['story_id']);
  const jobId = documentIdIn(attributes['jobId'], event['id']);
  return storyId === undefined || jobId === undefined ? undefined : { storyId, jobId };
};

/** A job that every delivery returned without a reason has probably crashed its workers. */
const failureIn = ({ attributes }: QueuedMessage, jobId: string): StoryMessage => {
  const deliveries = attributes[GIVEN_UP];
  const reason =
    attributes['reason'] ??
    (deliveries === undefined ? 'no reason given' : `given up after ${deliveries} tries`);
  const classified = classifyWords({ error: reason, errorType: attributes['code'] });
  const code = classified === 'unknown' ? 'worker_lost' : classified;
  const details = `dead letter: ${reason.slice(0, MAX_REASON_CHARACTERS)}`;
  return { ...failureOf(code, { jobId, details }), retryable: attributes['retryable'] !== 'false' };
};

/**
 * Fails the story of a job that no worker could take.
 * @throws Error when the letter must be delivered again: the story could not be written
 */
export const failDeadLetter = async (
  message: QueuedMessage,
  options: ApplyOptions,
): Promise<DeadLetterOutcome> => {
  const { log } = options;
  const job = nameJob(message);
  const { reason } = message.attributes;
  if (job === undefined) {
    log('error', 'dead letter of no job', { reason });
    return 'no-story';
  }
  const failure = failureIn(message, job.jobId);
  const outcome = await applyMessage({ ...job, message: failure, source: 'dead-letter' }, options);
  if (outcome.kind === 'store-away') throw new Error(`the story could not be written: ${outcome.cause}`);
  log('warn', 'dead letter', { ...job, reason, outcome: outcome.kind });
  return outcome.kind === 'no-such-story' ? 'no-story' : 'failed-story';
};
