import { numberOf, textOf } from '../json.ts';
import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';

/** The states of a story's narration. A story that was never asked for has none. */
export const AUDIO_STATUSES = ['pending', 'processing', 'ready', 'failed'] as const;
export type AudioStatus = (typeof AUDIO_STATUSES)[number];

/** The source of a change. */
export type TransitionSource =
  | 'callback'
  | 'runpod-webhook'
  | 'sweeper'
  | 'dead-letter'
  | 'person'
  | 'dispatch';

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
  /** Unix milliseconds; when a failed narration is retried automatically. */
  readonly retryAtMs: number | undefined;
  /** Automatic retries since a person last asked. */
  readonly autoRetries: number;
  /** False when the story lacks a part of its job, so that only the sender of the job can send it again. */
  readonly mayAutoRetry: boolean;
}

/** What it needs to know of the attempt that a message names. Documents of older writers may lack any of it. */
export interface AttemptAudio {
  readonly status: AudioStatus | undefined;
}

/** Beside the message itself: its source, the time, and how long the job may be silent afterwards. */
export interface TransitionContext {
  readonly source: TransitionSource;
  readonly nowMs: number;
  readonly leaseMs: number;
  /** Whether and when a failure is retried automatically. Default: never. */
  readonly autoRetry?: AutoRetryPolicy | undefined;
}

/** How often a narration that failed for a passing cause is retried automatically. */
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

const statusOf = (value: unknown): AudioStatus | undefined => AUDIO_STATUSES.find((one) => one === value);

const millisOf = (value: unknown): number | undefined => {
  if (value instanceof Date) return value.getTime();
  const toMillis = (value as { toMillis?: () => number } | null | undefined)?.toMillis;
  return typeof toMillis === 'function' ? toMillis.call(value) : numberOf(value);
};

const countOr0 = (value: unknown): number => Math.max(0, Math.floor(numberOf(value) ?? 0));

/**
 * Reads the narration fields of a story document of any writer; values that make no sense count as absent.
 *
 * @example
 * readStoryAudio({ audioStatus: 'failed', audioAttempt: 2 }).attempt; // 2
 */
export const readStoryAudio = (fields: Readonly<Record<string, unknown>>): StoryAudio => ({
  status: statusOf(fields['audioStatus']),
  jobId: textOf(fields['audioJobId']),
  runpodJobId: textOf(fields['audioRunpodJobId']),
  attempt: countOr0(fields['audioAttempt']),
  progress: numberOf(fields['audioProgress']),
  leaseExpiresAtMs: millisOf(fields['audioLeaseExpiresAt']),
  retryAtMs: millisOf(fields['audioRetryAt']),
  autoRetries: countOr0(fields['audioAutoRetries']),
  mayAutoRetry: fields['audioAutoRetry'] !== false,
});

/**
 * Reads an attempt document.
 *
 * @example
 * readAttemptAudio({ status: 'ready' }); // { status: 'ready' }
 */
export const readAttemptAudio = (fields: Readonly<Record<string, unknown>>): AttemptAudio => ({
  status: statusOf(fields['status']),
});

/** The state of a story's narration, for events and pages. */
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
  /** Unix milliseconds; when a failure is retried automatically. */
  readonly retryAtMs: number | undefined;
}

/**
 * Reads the state of a narration from a story document of any writer.
 *
 * @example
 * readNarration({ audioStatus: 'failed', audioErrorCode: 'timed_out' }).code; // 'timed_out'
 */
export const readNarration = (fields: Readonly<Record<string, unknown>>): NarrationState => {
  const { status, jobId, attempt, retryAtMs } = readStoryAudio(fields);
  const { audioErrorCode: code, audioErrorRetryable: retryable } = fields;
  return {
    status,
    jobId,
    attempt,
    userId: textOf(fields['userId']),
    audioUrl: textOf(fields['audioUrl']),
    storagePath: textOf(fields['audioStoragePath']),
    durationMs: numberOf(fields['audioDurationMs']),
    code: isErrorCode(code) ? code : undefined,
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    retryAtMs,
  };
};
