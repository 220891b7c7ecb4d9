import { describeError, isEnded, isErrorCode, parseTtsJob, type TtsJobEvent } from '@taleback/core';
import { signJobToken, withJob } from '@taleback/core/signatures';
import { withoutRecordings, withoutRecordingText } from '@taleback/core/storage';
import type { DeadLetters } from '../events/pubsub.node.ts';
import { readJson } from '../http/call.ts';
import type { Recordings } from '../stories/recordings.ts';
import {
  type ApplyOptions,
  applyMessage,
  eventsOf,
  failureOf,
  publishEvent,
} from '../stories/apply-message.ts';
import type { StoredJob } from '../stories/documents.ts';
import type { StoryStore } from '../stories/firestore-stories.node.ts';
import type { RunpodClient, RunpodFailure, RunpodOrder } from './client.ts';
import type { createRunpodTurns } from './turns.node.ts';

export interface OrderOptions {
  /** What RunPod calls when a job ends, without its query. */
  readonly webhookUrl: string;
  /** The secret that the addresses of a job are made with. */
  readonly urlSecret: string | Uint8Array;
  readonly executionTimeoutMs: number;
  readonly ttlMs: number;
}

/**
 * The order for RunPod. A handler there knows only RunPod's id, and Python handlers send none in their success
 * callback, so both addresses name the job.
 */
export const runpodOrder = (job: TtsJobEvent, options: OrderOptions): RunpodOrder => {
  const { metadata } = job.input;
  const storyId = metadata.story_id;
  const webhook = new URL(options.webhookUrl);
  const token = signJobToken(options.urlSecret, storyId, job.id);
  // A foreign server must not get the token.
  const address = (url: string): string =>
    URL.canParse(url) && new URL(url).origin === webhook.origin ? withJob(url, job.id, token) : url;
  webhook.searchParams.set('story', storyId);
  return {
    input: {
      ...job.input,
      metadata: { ...metadata, job_id: job.id, callback_url: address(metadata.callback_url) },
    },
    webhook: address(webhook.href),
    policy: { executionTimeout: options.executionTimeoutMs, ttl: options.ttlMs },
  };
};

export interface DispatchOptions extends ApplyOptions {
  readonly stories: Pick<StoryStore, 'apply' | 'readJob' | 'recordRunpodJob'>;
  readonly runpod: Pick<RunpodClient, 'run' | 'cancel'>;
  readonly deadLetters: DeadLetters;
  /** Whether the user may have one more job at RunPod. Default: always. */
  readonly takeTurn?: ReturnType<typeof createRunpodTurns>;
  /** Default: none; a job with the place of a recording fails. */
  readonly recordings?: Pick<Recordings, 'keep' | 'read'> | undefined;
  readonly order: OrderOptions;
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
 * - `failed`: RunPod did not take it, and the story failed, or its dead letter will fail it
 * - `malformed`: it is not a job
 */
export type DispatchEnd = 'sent' | 'not-wanted' | 'failed' | 'malformed';

/** A message as it may be kept: a recording in it, such as an earlier version queued, is replaced by its place. */
const keepable = async (data: Buffer, { recordings }: DispatchOptions): Promise<Buffer> => {
  const text = data.toString('utf8');
  const read = parseTtsJob(readJson(text));
  if (!read.ok || recordings === undefined) return Buffer.from(withoutRecordingText(text));
  const userId = read.value.input.metadata.user_id;
  const kept = await withoutRecordings(read.value, (bytes) => recordings.keep(userId, bytes));
  return kept === read.value ? data : Buffer.from(JSON.stringify(kept));
};

/** Keeps a dead letter. @returns whether it is kept */
const setAside = async (
  { data, attributes }: QueuedMessage,
  more: Record<string, string>,
  options: DispatchOptions,
): Promise<boolean> => {
  const { deadLetters, log } = options;
  const letter = { attributes: { ...attributes, ...more } };
  try {
    await deadLetters.publish({ ...letter, data: await keepable(data, options) });
    return true;
  } catch (error) {
    log('error', 'dead letter could not be kept', { ...letter.attributes, fault: String(error) });
    return false;
  }
};

/** At three bytes a character the reason fits into an attribute. */
const MAX_REASON_CHARACTERS = 300;

const letterAttributes = (
  { id: jobId, input }: TtsJobEvent,
  { code, cause }: NonNullable<StoredJob['refusal']>,
): Record<string, string> => ({
  jobId,
  storyId: input.metadata.story_id,
  reason: cause.slice(0, MAX_REASON_CHARACTERS),
  code,
  retryable: String(!isErrorCode(code) || describeError(code).retryable),
});

const LETTER_LOST = 'the dead letter could not be kept';

/** @returns why the story could not be written; undefined when it was */
const failStory = async (
  job: TtsJobEvent,
  { code, cause: details }: RunpodFailure,
  options: DispatchOptions,
): Promise<string | undefined> => {
  const storyId = job.input.metadata.story_id;
  const message = failureOf(code, { jobId: job.id, details });
  const outcome = await applyMessage({ storyId, jobId: job.id, message, source: 'dispatch' }, options);
  return outcome.kind === 'store-away' ? outcome.cause : undefined;
};

/** The job with the bytes of its recording, as handlers expect it. @throws Error when the store does not answer */
const withRecording = async (
  job: TtsJobEvent,
  { recordings }: DispatchOptions,
): Promise<{ readonly kind: 'whole'; readonly job: TtsJobEvent } | RunpodFailure> => {
  const { recording_path: path, ...input } = job.input;
  if (path === undefined) return { kind: 'whole', job };
  const bytes = await recordings?.read(path);
  if (bytes === undefined) {
    const cause = 'the recording of the voice is not kept any more';
    return { kind: 'refused', status: 0, code: 'voice_profile_missing', cause };
  }
  return {
    kind: 'whole',
    job: { ...job, input: { ...input, profile_base64: Buffer.from(bytes).toString('base64') } },
  };
};

/** Without RunPod's id the sweeper cannot query the job, but its callback and its webhook still name it. */
const recordRunpodJob = async (
  job: TtsJobEvent,
  runpodJobId: string,
  options: DispatchOptions,
): Promise<void> => {
  const storyId = job.input.metadata.story_id;
  const recorded = await options.stories.recordRunpodJob(
    { storyId, jobId: job.id, runpodJobId, eventOf: eventsOf(storyId, options) },
    { source: 'dispatch', nowMs: options.now(), leaseMs: 0, autoRetry: options.autoRetry },
  );
  const about = { storyId, jobId: job.id, runpodJobId };
  if (recorded.kind === 'recorded') {
    options.log('info', 'job sent to RunPod', about);
    return publishEvent(recorded.event, options);
  }
  options.log('warn', "RunPod's id could not be kept", { ...about, ...recorded });
  if (recorded.kind === 'store-away') return;
  // Two deliveries of one message were processed at once, or the story is gone: one job too many.
  const cancelled = await options.runpod.cancel(runpodJobId);
  options.log('info', 'job cancelled at RunPod', { ...about, cancelled: cancelled.kind });
};

/**
 * Sends a queued job to RunPod. A message that is delivered again finds RunPod's id on its attempt and does nothing;
 * only when the process died between RunPod's answer and that id is a job run twice, and then the first result counts.
 *
 * @throws Error when it must be delivered again: its user has too many jobs at RunPod, the story could not be read or
 * written, or the dead letter not kept
 */
export const dispatchJob = async (message: QueuedMessage, options: DispatchOptions): Promise<DispatchEnd> => {
  const read = parseTtsJob(readJson(message.data.toString('utf8')));
  if (!read.ok) {
    options.log('error', 'not a job', { ...message.attributes, fault: read.sentence });
    const reason = read.sentence.slice(0, MAX_REASON_CHARACTERS);
    if (!(await setAside(message, { reason, code: 'request_invalid' }, options)))
      throw new Error(LETTER_LOST);
    return 'malformed';
  }
  const job = read.value;
  const storyId = job.input.metadata.story_id;
  const found = await options.stories.readJob(storyId, job.id);
  if (found.kind === 'store-away') throw new Error(`the story could not be read: ${found.cause}`);
  const stored = found.kind === 'found' ? found.job : undefined;
  if (stored?.refusal !== undefined) {
    // It was delivered again because the letter was not kept, or the process died before the acknowledgement.
    if (!(await setAside(message, letterAttributes(job, stored.refusal), options)))
      throw new Error(LETTER_LOST);
    return 'failed';
  }
  const isCurrent = stored?.story.jobId === job.id && stored.story.status === 'pending';
  // An attempt that has ended is not run, although another app set its story back to pending.
  if (!isCurrent || isEnded(stored.attemptStatus) || stored.runpodJobId !== undefined) {
    options.log('info', 'job not wanted', { storyId, jobId: job.id, status: stored?.story.status });
    return 'not-wanted';
  }
  const turn = await options.takeTurn?.(job);
  if (turn?.kind === 'store-away') throw new Error(`the turn could not be taken: ${turn.cause}`);
  if (turn?.kind === 'waits') {
    options.log('info', 'job waits for its turn', { storyId, jobId: job.id });
    throw new Error('the job waits for its turn: its user has as many at RunPod as one may');
  }
  const whole = await withRecording(job, options);
  const outcome =
    whole.kind === 'whole' ? await options.runpod.run(runpodOrder(whole.job, options.order)) : whole;
  if (outcome.kind === 'accepted') {
    await recordRunpodJob(job, outcome.runpodJobId, options);
    return 'sent';
  }
  options.log('error', 'RunPod did not take the job', { storyId, jobId: job.id, ...outcome });
  // The letter first: if the process then dies, or the story cannot be written, the dead-letter function fails the story,
  // and a redelivery would set a second letter aside. A letter that cannot be kept does not delay the story.
  const isKept = await setAside(message, letterAttributes(job, outcome), options);
  const fault = await failStory(job, outcome, options);
  if (!isKept) throw new Error(LETTER_LOST);
  if (fault !== undefined)
    options.log('warn', 'story left to its dead letter', { storyId, jobId: job.id, cause: fault });
  return 'failed';
};
