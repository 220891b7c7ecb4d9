import {
  type AutoRetryPolicy,
  decide,
  describeError,
  type FailedMessage,
  isErrorCode,
  parseTtsJob,
  type TtsJobEvent,
} from '@taleback/core';
import type { Log, StoryStore } from '../receive/index.ts';
import type { JobStore, RunOutcome, RunpodClient, StandingJob } from '../runpod/index.ts';
import type { DeadLetters } from './dead-letters.ts';
import { type OrderOptions, runpodOrder } from './runpod-order.ts';

export interface DispatchOptions {
  readonly runpod: Pick<RunpodClient, 'run' | 'cancel'>;
  readonly jobs: JobStore;
  readonly stories: StoryStore;
  readonly deadLetters: DeadLetters;
  readonly order: OrderOptions;
  readonly pendingLeaseMs: number;
  readonly autoRetry?: AutoRetryPolicy | undefined;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** A message of the topic of jobs, as Pub/Sub delivers it. */
export interface QueuedMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * How a message ends; each of these acknowledges it.
 *
 * - `sent`: RunPod has the job
 * - `not-wanted`: the job is over, was given up, or RunPod has it already
 * - `failed`: RunPod did not take it; the story says so
 * - `malformed`: it is no job
 */
export type DispatchEnd = 'sent' | 'not-wanted' | 'failed' | 'malformed';

const parsed = (data: Buffer): unknown => {
  try {
    return JSON.parse(data.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
};

/** Whether the letter is kept. */
const setAside = async (
  message: QueuedMessage,
  attributes: Record<string, string>,
  { deadLetters, log }: DispatchOptions,
): Promise<boolean> => {
  const letter = { data: message.data, attributes: { ...message.attributes, ...attributes } };
  try {
    await deadLetters.publish(letter);
    return true;
  } catch (error) {
    log('error', 'dead letter could not be kept', { ...letter.attributes, fault: String(error) });
    return false;
  }
};

/** At three bytes a character they fit into an attribute. */
const MAX_REASON_CHARACTERS = 300;

const letterAttributes = (
  { id: jobId, input }: TtsJobEvent,
  { code, cause }: NonNullable<StandingJob['refusal']>,
): Record<string, string> => ({
  jobId,
  storyId: input.metadata.story_id,
  reason: cause.slice(0, MAX_REASON_CHARACTERS),
  code,
  retryable: String(!isErrorCode(code) || describeError(code).retryable),
});

const LETTER_LOST = 'the dead letter could not be kept';

const failStory = async (
  job: TtsJobEvent,
  failure: Exclude<RunOutcome, { kind: 'accepted' }>,
  options: DispatchOptions,
): Promise<void> => {
  const message: FailedMessage = {
    kind: 'failed',
    jobId: job.id,
    error: describeError(failure.code).sentence,
    details: failure.cause,
    code: failure.code,
    retryable: describeError(failure.code).retryable,
    metadata: undefined,
  };
  const { stories, autoRetry, pendingLeaseMs, now } = options;
  const context = { source: 'dispatch', nowMs: now(), leaseMs: pendingLeaseMs, autoRetry } as const;
  const target = { storyId: job.input.metadata.story_id, jobId: job.id };
  const outcome = await stories.apply(target, (story, attempt) => decide(story, attempt, message, context));
  if (outcome.kind === 'store-away') throw new Error(`the story could not be told: ${outcome.cause}`);
};

/** Without RunPod's id the sweeper cannot ask for the job, but its callback and its webhook still name it. */
const remember = async (job: TtsJobEvent, runpodJobId: string, options: DispatchOptions): Promise<void> => {
  const storyId = job.input.metadata.story_id;
  const remembered = await options.jobs.remember(storyId, job.id, runpodJobId);
  const about = { storyId, jobId: job.id, runpodJobId };
  if (remembered.kind === 'remembered') return options.log('info', 'job sent to RunPod', about);
  options.log('warn', "RunPod's id could not be kept", { ...about, ...remembered });
  if (remembered.kind === 'store-away') return;
  // Two deliveries of one message were under way at once, or the story is gone: one job too many.
  const cancelled = await options.runpod.cancel(runpodJobId);
  options.log('info', 'job taken back from RunPod', { ...about, cancelled: cancelled.kind });
};

/**
 * Sends a queued job to RunPod. A message that comes again, because this process died or was too slow, finds the
 * job's id at RunPod on its attempt and does nothing; only when the process died between RunPod's answer and that id
 * is a job run twice, and then the first result counts.
 *
 * @throws Error when it must come again: the story could neither be read nor told, or the dead letter not be kept
 */
export const dispatchJob = async (message: QueuedMessage, options: DispatchOptions): Promise<DispatchEnd> => {
  const read = parseTtsJob(parsed(message.data));
  if (!read.ok) {
    options.log('error', 'not a job', { ...message.attributes, fault: read.sentence });
    const reason = read.sentence.slice(0, MAX_REASON_CHARACTERS);
    if (!(await setAside(message, { reason, code: 'request_invalid' }, options)))
      throw new Error(LETTER_LOST);
    return 'malformed';
  }
  const job = read.value;
  const storyId = job.input.metadata.story_id;
  const found = await options.jobs.read(storyId, job.id);
  if (found.kind === 'store-away') throw new Error(`the story could not be read: ${found.cause}`);
  const standing = found.kind === 'found' ? found.job : undefined;
  if (standing?.refusal !== undefined) {
    // It comes again because the letter was not kept, or because this process died before it had said so.
    if (!(await setAside(message, letterAttributes(job, standing.refusal), options)))
      throw new Error(LETTER_LOST);
    return 'failed';
  }
  const isCurrent = standing?.story.jobId === job.id && standing.story.status === 'pending';
  if (!isCurrent || standing.runpodJobId !== undefined) {
    options.log('info', 'job not wanted', { storyId, jobId: job.id, status: standing?.story.status });
    return 'not-wanted';
  }
  const outcome = await options.runpod.run(runpodOrder(job, options.order));
  if (outcome.kind === 'accepted') {
    await remember(job, outcome.runpodJobId, options);
    return 'sent';
  }
  options.log('error', 'RunPod did not take the job', { storyId, jobId: job.id, ...outcome });
  // The letter first: whoever dies after it, or finds the events away, has left it to the dead-letter function. One that
  // cannot be kept does not keep the story waiting.
  const isKept = await setAside(message, letterAttributes(job, outcome), options);
  await failStory(job, outcome, options);
  if (!isKept) throw new Error(LETTER_LOST);
  return 'failed';
};
