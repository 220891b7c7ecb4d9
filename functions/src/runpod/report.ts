import {
  describeError,
  type ErrorCode,
  type FailedMessage,
  isErrorCode,
  isRecord,
  messageFromError,
  messageFromSuccess,
  type Parsed,
  parseSuccessCallback,
  parseWith,
  present,
  type StoryMessage,
} from '@taleback/core';
import { z } from 'zod';
import { readJson } from '../http/call.ts';
import type { RunpodClient } from './client.ts';
import { readJobError } from './job-error.ts';

const STAGES = {
  IN_QUEUE: 'under-way',
  IN_PROGRESS: 'under-way',
  RUNNING: 'under-way',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TIMED_OUT: 'timed-out',
} as const;

const STATES = Object.keys(STAGES) as (keyof typeof STAGES)[];
const MAX_ID_CHARACTERS = 200;
const NO_ID = `must be a string of 1 to ${MAX_ID_CHARACTERS} characters`;

const reportSchema = z
  .object({
    id: z.string(NO_ID).min(1, NO_ID).max(MAX_ID_CHARACTERS, NO_ID),
    status: z.enum(STATES, "must be one of RunPod's job states"),
    output: z.unknown().optional(),
    error: z.unknown().optional(),
    workerId: z.string().optional().catch(undefined),
    executionTime: z.number().min(0).optional().catch(undefined),
  })
  .transform(({ id, status, output, error, workerId, executionTime }) => ({
    runpodJobId: id,
    stage: STAGES[status],
    output,
    error,
    workerId: workerId?.slice(0, MAX_ID_CHARACTERS) || undefined,
    executionTimeMs: executionTime,
  }));

/** The state of a job at RunPod: the body of its webhook, and of `/status`. */
export type RunpodReport = z.output<typeof reportSchema>;

/** Parses RunPod's report of a job. Invalid optional fields are ignored. */
export const parseRunpodReport = (input: unknown): Parsed<RunpodReport> => parseWith(reportSchema, input);

/** The job of a report, in our ids. */
export interface ReportedJob {
  readonly storyId: string;
  readonly jobId: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** What the handler returned: an object, the last one of a generator's, or one as JSON text. */
const resultOf = (output: unknown): Fields => {
  const last: unknown = Array.isArray(output) ? output.at(-1) : output;
  const value = typeof last === 'string' ? readJson(last) : last;
  return isRecord(value) ? value : {};
};

const metadataOf = ({ workerId, executionTimeMs }: RunpodReport, result: Fields): Record<string, unknown> => {
  const { metadata, generation_time: generationTime } = result;
  return {
    ...(isRecord(metadata) ? metadata : {}),
    ...(typeof generationTime === 'number' ? { generation_time: generationTime } : {}),
    ...present({ worker_id: workerId, execution_time_ms: executionTimeMs }),
  };
};

/** Longer than any address, name or path. */
const MAX_TEXT_CHARACTERS = 2_000;
const shortText = z.string().max(MAX_TEXT_CHARACTERS).optional().catch(undefined);

/** The fields that a success callback would have had. An invalid one is left out, so that the audio is not lost. */
const resultSchema = z.object({
  audio_url: shortText,
  firebase_url: shortText,
  storage_url: shortText,
  r2_url: shortText,
  storage_path: shortText,
  r2_path: shortText,
  voice_id: shortText,
  voice_name: shortText,
  language: shortText,
  duration_ms: z.number().min(0).optional().catch(undefined),
});

/** Whether a handler put anything there: Python writes None, False and blanks for nothing. */
const isSaid = (value: unknown): boolean => Boolean(typeof value === 'string' ? value.trim() : value);

const readyMessage = (job: ReportedJob, report: RunpodReport, result: Fields): StoryMessage | undefined => {
  const metadata = metadataOf(report, result);
  const ids = { story_id: job.storyId, job_id: job.jobId };
  const { firebase_url, storage_url, r2_url, audio_url, ...fields } = resultSchema.parse(result);
  // The handler in the field returns its address under the name of its store, and may have a bare path for one.
  const addresses = [audio_url, firebase_url, storage_url, r2_url].filter(isSaid);
  const address = addresses.find((one) => /^\s*https?:/i.test(one ?? '')) ?? addresses[0];
  const callback = parseSuccessCallback({ ...fields, audio_url: address, ...ids, metadata });
  return callback.ok ? messageFromSuccess(callback.value) : undefined;
};

interface Failure {
  readonly error: unknown;
  /** For a job without an error message. */
  readonly code: ErrorCode;
  readonly retryable?: unknown;
}

const failedMessage = (
  job: ReportedJob,
  report: RunpodReport,
  result: Fields,
  { error, code, retryable }: Failure,
): FailedMessage => {
  const words = readJobError(error);
  const metadata = {
    ...metadataOf(report, result),
    ...present({
      error_type: words.errorType,
      retryable: typeof retryable === 'boolean' ? retryable : undefined,
    }),
  };
  const message = messageFromError({
    storyId: job.storyId,
    jobId: job.jobId,
    error: words.error ?? describeError(code).sentence,
    errorDetails: words.details,
    userId: undefined,
    voiceId: undefined,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  });
  if (words.error !== undefined || isErrorCode(words.errorType)) return message;
  return { ...message, code, retryable: describeError(code).retryable };
};

/** The error of a result: handlers in the field use `error`, or `message` beside a status. */
const errorOf = ({ status, error, message }: Fields): unknown => {
  if (isSaid(error)) return error;
  return status === 'error' || status === 'failed' ? message : undefined;
};

const completedMessage = (job: ReportedJob, report: RunpodReport, result: Fields): StoryMessage => {
  const { status, error_type: errorType, error_details: details, retryable } = result;
  const said = errorOf(result);
  const saysError = status === 'error' || status === 'failed' || isSaid(said) || isSaid(report.error);
  const ready = saysError ? undefined : readyMessage(job, report, result);
  if (ready !== undefined) return ready;
  const own = isSaid(said)
    ? { error_type: errorType, error_details: details, ...(isRecord(said) ? said : { error: said }) }
    : report.error;
  return failedMessage(job, report, result, { error: own, code: 'audio_missing', retryable });
};

/**
 * The message of a report about our job, the same for RunPod's webhook and its `/status`. Undefined while the job is
 * under way. A job that completed without audio failed.
 */
export const messageFromReport = (job: ReportedJob, report: RunpodReport): StoryMessage | undefined => {
  const result = resultOf(report.output);
  switch (report.stage) {
    case 'under-way':
      return undefined;
    case 'completed':
      return completedMessage(job, report, result);
    case 'failed':
      return failedMessage(job, report, result, {
        error: [report.error, result['error'], result['message']].find(isSaid),
        code: 'unknown',
      });
    case 'cancelled':
      return failedMessage(job, report, {}, { error: undefined, code: 'job_cancelled' });
    case 'timed-out':
      return failedMessage(job, report, {}, { error: undefined, code: 'timed_out' });
    default:
      return report.stage satisfies never;
  }
};

/** Whether RunPod says that it runs, or will run, a job. */
export const isRunning = async (
  runpodJobId: string,
  client: Pick<RunpodClient, 'status'>,
): Promise<boolean> => {
  const status = await client.status(runpodJobId);
  const report = status.kind === 'found' ? parseRunpodReport(status.report) : undefined;
  return report?.ok === true && report.value.stage === 'under-way';
};
