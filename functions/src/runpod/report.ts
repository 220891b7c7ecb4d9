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
  type StoryMessage,
} from '@taleback/core';
import { parseJson, readJobError } from './job-error.ts';

/** The state of a job at RunPod: the body of its webhook, and of `/status`. */
export interface RunpodReport {
  readonly runpodJobId: string;
  readonly stage: 'under-way' | 'completed' | 'failed' | 'cancelled' | 'timed-out';
  readonly output: unknown;
  readonly error: unknown;
  readonly workerId: string | undefined;
  readonly executionTimeMs: number | undefined;
}

const STAGES: ReadonlyMap<unknown, RunpodReport['stage']> = new Map([
  ['IN_QUEUE', 'under-way'],
  ['IN_PROGRESS', 'under-way'],
  ['RUNNING', 'under-way'],
  ['COMPLETED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['TIMED_OUT', 'timed-out'],
]);

const MAX_ID_CHARACTERS = 200;

const fault = (field: string, what: string): Parsed<never> => ({
  ok: false,
  field,
  sentence: `${field}: ${what}`,
});

/** Parses RunPod's report of a job. Invalid optional fields are ignored. */
export const parseRunpodReport = (input: unknown): Parsed<RunpodReport> => {
  if (!isRecord(input)) return fault('body', 'must be a JSON object');
  const { id, status, output, error, workerId, executionTime } = input;
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID_CHARACTERS)
    return fault('id', `must be a string of 1 to ${MAX_ID_CHARACTERS} characters`);
  const stage = STAGES.get(status);
  if (stage === undefined) return fault('status', "must be one of RunPod's job states");
  const value = {
    runpodJobId: id,
    stage,
    output,
    error,
    workerId:
      typeof workerId === 'string' && workerId !== '' ? workerId.slice(0, MAX_ID_CHARACTERS) : undefined,
    executionTimeMs: typeof executionTime === 'number' && executionTime >= 0 ? executionTime : undefined,
  };
  return { ok: true, value };
};

/** The job of a report, in our ids. */
export interface ReportedJob {
  readonly storyId: string;
  readonly jobId: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** What the handler returned: an object, the last one of a generator's, or one as JSON text. */
const resultOf = (output: unknown): Fields => {
  const last: unknown = Array.isArray(output) ? output.at(-1) : output;
  const value = typeof last === 'string' ? parseJson(last) : last;
  return isRecord(value) ? value : {};
};

const metadataOf = (report: RunpodReport, result: Fields): Record<string, unknown> => {
  const { metadata, generation_time: generationTime } = result;
  return {
    ...(isRecord(metadata) ? metadata : {}),
    ...(typeof generationTime === 'number' ? { generation_time: generationTime } : {}),
    ...(report.workerId === undefined ? {} : { worker_id: report.workerId }),
    ...(report.executionTimeMs === undefined ? {} : { execution_time_ms: report.executionTimeMs }),
  };
};

/** Longer than any address, name or path. */
const MAX_TEXT_CHARACTERS = 2_000;

const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS;

/** The fields that a success callback would have had. An invalid one is left out, so that the audio is not lost. */
const readyMessage = (job: ReportedJob, report: RunpodReport, result: Fields): StoryMessage | undefined => {
  const texts = ['audio_url', 'storage_path', 'r2_path', 'voice_id', 'voice_name', 'language'] as const;
  const present = texts.flatMap((name) => (isShortText(result[name]) ? [[name, result[name]]] : []));
  const duration = result['duration_ms'];
  const callback = parseSuccessCallback({
    ...Object.fromEntries(present),
    ...(typeof duration === 'number' && duration >= 0 ? { duration_ms: duration } : {}),
    story_id: job.storyId,
    job_id: job.jobId,
    metadata: metadataOf(report, result),
  });
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

/** The error of a result: handlers in the field use `error`, or `message` beside a status. */
const errorOf = ({ status, error, message }: Fields): unknown => {
  if (hasError(error)) return error;
  return status === 'error' || status === 'failed' ? message : undefined;
};

const completedMessage = (job: ReportedJob, report: RunpodReport, result: Fields): StoryMessage => {
  const { status, error_type: errorType, error_details: details, retryable } = result;
  const said = errorOf(result);
  const saysError = status === 'error' || status === 'failed' || hasError(said) || hasError(report.error);
  const ready = saysError ? undefined : readyMessage(job, report, result);
  if (ready !== undefined) return ready;
  const own = hasError(said)
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
