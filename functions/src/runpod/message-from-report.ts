import {
  describeError,
  type ErrorCode,
  type FailedMessage,
  isErrorCode,
  isJsonObject,
  messageFromError,
  messageFromSuccess,
  parseSuccessCallback,
  type StoryMessage,
} from '@taleback/core';
import { readJobError } from './job-error.ts';
import type { RunpodReport } from './runpod-report.ts';

/** Whose job a report is about, in our own ids. */
export interface ReportedJob {
  readonly storyId: string;
  readonly jobId: string;
}

type Fields = Readonly<Record<string, unknown>>;

const parsed = (words: string): unknown => {
  try {
    return JSON.parse(words) as unknown;
  } catch {
    return undefined;
  }
};

/** What the handler returned: an object, the last one of a generator's, or one that somebody made text of. */
const resultOf = (output: unknown): Fields => {
  const last: unknown = Array.isArray(output) ? output.at(-1) : output;
  const value = typeof last === 'string' ? parsed(last) : last;
  return isJsonObject(value) ? value : {};
};

const metadataOf = (report: RunpodReport, result: Fields): Record<string, unknown> => {
  const { metadata, generation_time: generationTime } = result;
  return {
    ...(isJsonObject(metadata) ? metadata : {}),
    ...(typeof generationTime === 'number' ? { generation_time: generationTime } : {}),
    ...(report.workerId === undefined ? {} : { worker_id: report.workerId }),
    ...(report.executionTimeMs === undefined ? {} : { execution_time_ms: report.executionTimeMs }),
  };
};

/** Longer than any address, name or path; what is longer is no such thing. */
const MAX_TEXT_CHARACTERS = 2_000;

const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS;

/** The fields that a success callback would have had; one that cannot be is left out, for the audio's sake. */
const readyMessage = (job: ReportedJob, report: RunpodReport, result: Fields): StoryMessage | undefined => {
  const texts = ['audio_url', 'storage_path', 'r2_path', 'voice_id', 'voice_name', 'language'] as const;
  const told = texts.flatMap((name) => (isShortText(result[name]) ? [[name, result[name]]] : []));
  const duration = result['duration_ms'];
  const callback = parseSuccessCallback({
    ...Object.fromEntries(told),
    ...(typeof duration === 'number' && duration >= 0 ? { duration_ms: duration } : {}),
    story_id: job.storyId,
    job_id: job.jobId,
    metadata: metadataOf(report, result),
  });
  return callback.ok ? messageFromSuccess(callback.value) : undefined;
};

interface Failure {
  readonly error: unknown;
  /** Of a job that says nothing of what went wrong. */
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
  const { sentence } = describeError(code);
  const metadata = {
    ...metadataOf(report, result),
    ...(words.errorType === undefined ? {} : { error_type: words.errorType }),
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
  };
  const message = messageFromError({
    storyId: job.storyId,
    jobId: job.jobId,
    error: words.error ?? sentence,
    errorDetails: words.details,
    userId: undefined,
    voiceId: undefined,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  });
  if (words.error !== undefined || isErrorCode(words.errorType)) return message;
  return { ...message, code, retryable: describeError(code).retryable };
};

const hasError = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/** What a result says went wrong: handlers in the field say it as `error`, or as `message` beside a status. */
const wordsOf = ({ status, error, message }: Fields): unknown => {
  if (hasError(error)) return error;
  return status === 'error' || status === 'failed' ? message : undefined;
};

const completedMessage = (job: ReportedJob, report: RunpodReport, result: Fields): StoryMessage => {
  const { status, error_type: errorType, error_details: details, retryable } = result;
  const said = wordsOf(result);
  const saysError = status === 'error' || status === 'failed' || hasError(said) || hasError(report.error);
  const ready = saysError ? undefined : readyMessage(job, report, result);
  if (ready !== undefined) return ready;
  const own = hasError(said)
    ? { error_type: errorType, error_details: details, ...(isJsonObject(said) ? said : { error: said }) }
    : report.error;
  return failedMessage(job, report, result, { error: own, code: 'audio_missing', retryable });
};

/**
 * What a report of RunPod says of our job: the same message, whether RunPod told it by its webhook or was asked.
 * Undefined while the job is under way. A job that completed without audio failed.
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
        error: report.error ?? result['error'] ?? result['message'],
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
