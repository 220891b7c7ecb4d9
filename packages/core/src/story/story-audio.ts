import { isRecord, numberOf, present, textOf } from '../json.ts';
import { type ErrorCode, isErrorCode } from '../errors/catalogue.ts';

/** The states of a story's narration. A story that was never asked for has none. */
export const AUDIO_STATUSES = ['pending', 'processing', 'ready', 'failed'] as const;
export type AudioStatus = (typeof AUDIO_STATUSES)[number];
/** An attempt may be cancelled, too; its story is then what it was before. */
export type AttemptStatus = AudioStatus | 'cancelled';

/**
 * Whether a narration is under way.
 *
 * @example
 * isUnderWay('pending'); // true
 */
export const isUnderWay = (status: AttemptStatus | undefined): boolean =>
  status === 'pending' || status === 'processing';

/**
 * Whether an attempt or a story's narration has ended.
 *
 * @example
 * isEnded('cancelled'); // true
 */
export const isEnded = (status: AttemptStatus | undefined): boolean =>
  status !== undefined && !isUnderWay(status);

/** The source of a change. */
export type TransitionSource =
  | 'callback'
  | 'runpod-webhook'
  | 'sweeper'
  | 'dead-letter'
  | 'person'
  | 'dispatch';

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
/** Present only while a job is under way. */
export const RUNNING_GROUP = ['audioProgress', 'audioLeaseExpiresAt', 'audioUsageId'] as const;
/** Present only while a failed narration waits for an automatic retry, and while those are counted. */
export const AUTO_RETRY_GROUP = ['audioRetryAt', 'audioAutoRetries', 'audioAutoRetry'] as const;

/** Names of the fields that narration owns in `stories/{storyId}`. */
export type AudioField =
  | 'audioStatus'
  | 'audioJobId'
  | 'audioRunpodJobId'
  | 'audioAttempt'
  | 'audioJobExtras'
  | 'audioContentHash'
  | 'audioAskedTextHash'
  | 'audioTextHash'
  | 'audioTake'
  | 'audioEventSequence'
  | (typeof AUDIO_GROUP | typeof ERROR_GROUP | typeof RUNNING_GROUP | typeof AUTO_RETRY_GROUP)[number];

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
  readonly audioUrl: string | undefined;
  readonly storagePath: string | undefined;
  /** Names of the fields of `AUDIO_GROUP` that it has. */
  readonly audioFields: readonly string[];
  /** Hashes of what was last asked to be narrated. @see contentHashesOf */
  readonly contentHash: string | undefined;
  readonly askedTextHash: string | undefined;
  /** How often a narration that was ready was asked for again. */
  readonly take: number;
  /** Events of the story so far. */
  readonly eventSequence: number;
  /** The status and the error of its last end, which a cancelled attempt restores. */
  readonly lastEnd: Readonly<Record<string, unknown>>;
}

/** What it needs to know of an attempt. Documents of older writers may lack any of it. */
export interface AttemptAudio {
  readonly jobId: string;
  /** 1-based. 0 for a foreign attempt, which is known only from a message. */
  readonly number: number;
  readonly status: AttemptStatus | undefined;
  readonly contentHash: string | undefined;
  readonly textHash: string | undefined;
  readonly runpodJobId: string | undefined;
  /** Of its story when it was opened; `lastEnd` of that time. */
  readonly before: Readonly<Record<string, unknown>>;
}

/**
 * The current attempt as the story itself shows it, for a message that names the job at RunPod: only attempts of ours
 * are there. Undefined when the attempt has to be read: another app may have set the story back.
 *
 * @example
 * currentOf(readStoryAudio({ audioStatus: 'pending', audioJobId: 'j1' })); // undefined
 */
export const currentOf = (story: StoryAudio): AttemptAudio | undefined =>
  story.jobId === undefined || (isUnderWay(story.status) && story.leaseExpiresAtMs === undefined)
    ? undefined
    : {
        jobId: story.jobId,
        number: Math.max(1, story.attempt),
        status: story.status,
        contentHash: story.contentHash,
        textHash: story.askedTextHash,
        runpodJobId: story.runpodJobId,
        before: {},
      };

/** Beside the message itself: its source, the time, and how long the job may be silent afterwards. */
export interface TransitionContext {
  readonly source: TransitionSource;
  readonly nowMs: number;
  readonly leaseMs: number;
  /** Whether and when a failure is retried automatically. Default: never. */
  readonly autoRetry?: AutoRetryPolicy | undefined;
  /** Whether RunPod confirms that it runs the job, which had failed: RunPod's `/retry` keeps the job's id. */
  readonly isRunning?: boolean | undefined;
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

/**
 * The Unix milliseconds of a Date, of a Timestamp of Firestore, or of a number; undefined for anything else.
 *
 * @example
 * millisOf(new Date(5)); // 5
 */
export const millisOf = (value: unknown): number | undefined => {
  if (value instanceof Date) return value.getTime();
  const toMillis = (value as { toMillis?: () => number } | null | undefined)?.toMillis;
  return typeof toMillis === 'function' ? toMillis.call(value) : numberOf(value);
};

/** The last time that a Date can hold, in Unix milliseconds. */
const NEVER_MS = 8_640_000_000_000_000;

/** A retry at a time that nothing can read is not absent, it never comes. */
const retryMillisOf = (value: unknown): number | undefined =>
  value === undefined || value === null ? undefined : Math.min(millisOf(value) ?? NEVER_MS, NEVER_MS);

/** The fields of a story's end that its next attempt keeps; metadata may be too large for that. */
const END_FIELDS = ['audioStatus', 'audioJobId', 'audioRunpodJobId', ...ERROR_GROUP].filter(
  (name) => name !== 'audioErrorMetadata',
);

const lastEndOf = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  if (isEnded(statusOf(fields['audioStatus'])))
    return present(Object.fromEntries(END_FIELDS.map((name) => [name, fields[name] ?? undefined])));
  const hasAudio = textOf(fields['audioUrl']) ?? textOf(fields['audioStoragePath']);
  return hasAudio === undefined ? {} : { audioStatus: 'ready' };
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
  retryAtMs: retryMillisOf(fields['audioRetryAt']),
  autoRetries: countOr0(fields['audioAutoRetries']),
  mayAutoRetry: fields['audioAutoRetry'] !== false,
  audioUrl: textOf(fields['audioUrl']),
  storagePath: textOf(fields['audioStoragePath']),
  audioFields: AUDIO_GROUP.filter((name) => (fields[name] ?? undefined) !== undefined),
  contentHash: textOf(fields['audioContentHash']),
  askedTextHash: textOf(fields['audioAskedTextHash']),
  take: countOr0(fields['audioTake']),
  eventSequence: countOr0(fields['audioEventSequence']),
  lastEnd: lastEndOf(fields),
});

/**
 * Reads an attempt document.
 *
 * @example
 * readAttemptAudio('j1', { number: 1, status: 'ready' }).status; // 'ready'
 */
export const readAttemptAudio = (jobId: string, fields: Readonly<Record<string, unknown>>): AttemptAudio => ({
  jobId,
  number: countOr0(fields['number']),
  status: fields['status'] === 'cancelled' ? 'cancelled' : statusOf(fields['status']),
  contentHash: textOf(fields['contentHash']),
  textHash: textOf(fields['textHash']),
  runpodJobId: textOf(fields['runpodJobId']),
  before: isRecord(fields['before']) ? fields['before'] : {},
});

/** The state of a story's narration, for events and pages. */
export interface NarrationState {
  readonly status: AudioStatus | undefined;
  readonly jobId: string | undefined;
  readonly runpodJobId: string | undefined;
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
  /** Events of the story so far. */
  readonly eventSequence: number;
}

/**
 * Reads the state of a narration from a story document of any writer.
 *
 * @example
 * readNarration({ audioStatus: 'failed', audioErrorCode: 'timed_out' }).code; // 'timed_out'
 */
export const readNarration = (fields: Readonly<Record<string, unknown>>): NarrationState => {
  const { status, jobId, runpodJobId, attempt, retryAtMs, eventSequence } = readStoryAudio(fields);
  const { audioErrorCode: code, audioErrorRetryable: retryable } = fields;
  return {
    status,
    jobId,
    runpodJobId,
    attempt,
    userId: textOf(fields['userId']),
    audioUrl: textOf(fields['audioUrl']),
    storagePath: textOf(fields['audioStoragePath']),
    durationMs: numberOf(fields['audioDurationMs']),
    code: isErrorCode(code) ? code : undefined,
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    retryAtMs,
    eventSequence,
  };
};
