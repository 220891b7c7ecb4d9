import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';

/** The states of a story's narration. A story that was never asked for has none. */
export const AUDIO_STATUSES = ['pending', 'processing', 'ready', 'failed'] as const;
export type AudioStatus = (typeof AUDIO_STATUSES)[number];

/** Who told us of a change. */
export type TransitionSource =
  | 'callback'
  | 'runpod-webhook'
  | 'sweeper'
  | 'dead-letter'
  | 'person'
  | 'dispatch';

/** Names of the fields that narration owns in `stories/{storyId}`. */
export type AudioField =
  | 'audioStatus'
  | 'audioJobId'
  | 'audioRunpodJobId'
  | 'audioAttempt'
  | 'audioProgress'
  | 'audioLeaseExpiresAt'
  | 'audioRetryAt'
  | 'audioAutoRetries'
  | 'audioAutoRetry'
  | 'audioJobExtras'
  | 'audioUrl'
  | 'audioStoragePath'
  | 'audioDurationMs'
  | 'audioMetadata'
  | 'audioError'
  | 'audioErrorDetails'
  | 'audioErrorCode'
  | 'audioErrorRetryable'
  | 'audioErrorMetadata';

/** Replaced whole by a ready. */
export const AUDIO_GROUP = ['audioUrl', 'audioStoragePath', 'audioDurationMs', 'audioMetadata'] as const;
/** Replaced whole by a failure, removed by anything better. */
export const ERROR_GROUP = [
  'audioError',
  'audioErrorDetails',
  'audioErrorCode',
  'audioErrorRetryable',
  'audioErrorMetadata',
] as const;
/** Stand only while a job is under way. */
export const RUNNING_GROUP = ['audioProgress', 'audioLeaseExpiresAt'] as const;

/** Stand only while a failed narration waits to be tried again by itself, and while that is still counted. */
export const AUTO_RETRY_GROUP = ['audioRetryAt', 'audioAutoRetries', 'audioAutoRetry'] as const;

/** What the state machine needs to know of a story. */
export interface StoryAudio {
  readonly status: AudioStatus | undefined;
  readonly jobId: string | undefined;
  /** RunPod's own id for the current job; either id names it. */
  readonly runpodJobId: string | undefined;
  /** 1-based number of the current attempt; 0 when none was counted. */
  readonly attempt: number;
  /** 0..1 */
  readonly progress: number | undefined;
  /** Unix milliseconds; a job that is silent past it is taken for dead. */
  readonly leaseExpiresAtMs: number | undefined;
  /** Unix milliseconds; when a failed narration is tried again by itself. */
  readonly retryAtMs: number | undefined;
  /** How often it was tried again by itself since a person last asked. */
  readonly autoRetries: number;
  /** False when the story does not hold all that its job was made of, so that only who made the job can make it again. */
  readonly mayRetryByItself: boolean;
}

/** What it needs to know of the attempt that a message names. Documents of older writers may lack any of it. */
export interface AttemptAudio {
  readonly status: AudioStatus | undefined;
}

/** Beside the message itself: who tells it, when, and how long the job may be silent afterwards. */
export interface TransitionContext {
  readonly source: TransitionSource;
  readonly nowMs: number;
  readonly leaseMs: number;
  /** Whether and when a failure is tried again by itself. Default: never. */
  readonly autoRetry?: AutoRetryPolicy | undefined;
}

/** How often a narration that failed for a passing cause is tried again by itself. */
export interface AutoRetryPolicy {
  /** Tries since a person last asked; 0 for none. */
  readonly limit: number;
  /** The wait before each of them, in milliseconds; the last one holds for all after it. */
  readonly delaysMs: readonly number[];
}

/** Fields to write and fields to take away, never null. */
export interface Change {
  readonly set: Readonly<Record<string, unknown>>;
  readonly remove: readonly string[];
}

const isStatus = (value: unknown): value is AudioStatus =>
  typeof value === 'string' && (AUDIO_STATUSES as readonly string[]).includes(value);

const textOr = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const numberOr = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

const millisOf = (value: unknown): number | undefined => {
  if (value instanceof Date) return value.getTime();
  const toMillis = (value as { toMillis?: () => number } | null | undefined)?.toMillis;
  return typeof toMillis === 'function' ? toMillis.call(value) : numberOr(value);
};

const countOr0 = (value: unknown): number => Math.max(0, Math.floor(numberOr(value) ?? 0));

/** Reads the narration fields of a story document, whoever wrote it; what makes no sense counts as absent. */
export const readStoryAudio = (fields: Readonly<Record<string, unknown>>): StoryAudio => ({
  status: isStatus(fields['audioStatus']) ? fields['audioStatus'] : undefined,
  jobId: textOr(fields['audioJobId']),
  runpodJobId: textOr(fields['audioRunpodJobId']),
  attempt: countOr0(fields['audioAttempt']),
  progress: numberOr(fields['audioProgress']),
  leaseExpiresAtMs: millisOf(fields['audioLeaseExpiresAt']),
  retryAtMs: millisOf(fields['audioRetryAt']),
  autoRetries: countOr0(fields['audioAutoRetries']),
  mayRetryByItself: fields['audioAutoRetry'] !== false,
});

/** Reads an attempt document. */
export const readAttemptAudio = (fields: Readonly<Record<string, unknown>>): AttemptAudio => ({
  status: isStatus(fields['status']) ? fields['status'] : undefined,
});

/** How a story's narration stands, for those who are told of it. */
export interface NarrationState {
  readonly status: AudioStatus | undefined;
  readonly jobId: string | undefined;
  /** 1-based; 0 when none was counted. */
  readonly attempt: number;
  readonly userId: string | undefined;
  readonly audioUrl: string | undefined;
  readonly storagePath: string | undefined;
  readonly durationMs: number | undefined;
  readonly code: ErrorCode | undefined;
  readonly retryable: boolean | undefined;
  /** Unix milliseconds; when a failure is tried again by itself. */
  readonly retryAtMs: number | undefined;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Reads how a narration stands from a story document, whoever wrote it. */
export const readNarration = (fields: Readonly<Record<string, unknown>>): NarrationState => {
  const { status, jobId, attempt, retryAtMs } = readStoryAudio(fields);
  const { audioDurationMs: duration, audioErrorCode: code, audioErrorRetryable: retryable } = fields;
  return {
    status,
    jobId,
    attempt,
    userId: textOf(fields['userId']),
    audioUrl: textOf(fields['audioUrl']),
    storagePath: textOf(fields['audioStoragePath']),
    durationMs: typeof duration === 'number' && Number.isFinite(duration) ? duration : undefined,
    code: isErrorCode(code) ? code : undefined,
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    retryAtMs,
  };
};
