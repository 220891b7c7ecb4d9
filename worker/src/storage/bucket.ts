import { type ErrorCode, TalebackError } from '@taleback/core';
import { type Clock, type RetryPolicy, retry, systemClock, tryWithDeadline } from '@taleback/resilience';
import type { KeyPage } from '@taleback/core/storage';
import { cancellationOf, throwIfCancelled } from '@taleback/speech';

/** How a bucket is asked. */
export interface BucketTries {
  /** Default: four tries, after 0.5, 1 and 2 s. */
  readonly retry?: RetryPolicy | undefined;
  /** Time for one try without what its bytes take, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Keys in one page of a list, 1 to 1,000. Default: as many as the store gives. */
  readonly keysPerPage?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Shorter waits than for providers: a store that is busy is back sooner. @see docs/origins.md#retries */
const RETRY: RetryPolicy = {
  maxAttempts: 4,
  backoff: { kind: 'exponential', initialMs: 500, maxMs: 8_000, jitter: 'equal' },
};
/** @see docs/origins.md#delivery */
export const TIMEOUT_MS = 10_000;
/** 4 Mbit/s: the slowest line that an upload is given time for. */
const SLOWEST_BYTES_PER_MS = 500;

/** The bytes that arrived are not those that were sent. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError';
}

/** What a failed call means for us. */
export interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  /** Default: the catalogue's. */
  readonly retryable?: boolean;
}

/** A failed try, as the service explains it. */
export interface BucketFault {
  /** Whether the very same call is worth making again at once. */
  readonly isPassing: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly meaning: Meaning;
  /** For operators; without secrets. */
  readonly words: string;
  /** Absent if it may contain a secret, as the request does in an error of Google's library. */
  readonly cause?: unknown;
}

/** An answer that says the same in every service. */
export const FULL: Meaning = { code: 'disk_full', message: 'No space left for the audio' };
export const AWAY: Meaning = { code: 'storage_unavailable', message: 'The store is away' };
export const NOT_SAVED: Meaning = {
  code: 'storage_upload_failed',
  message: 'The audio could not be saved',
  retryable: false,
};
export const NO_BUCKET: Meaning = {
  code: 'storage_unavailable',
  message: 'There is no such bucket',
  retryable: false,
};

export interface BucketCall {
  /** The verb, the key and the bucket, for operators. */
  readonly subject: string;
  /** Absent for what is no upload. */
  readonly uploadBytes?: number | undefined;
}

/** The answer, or undefined when it says that there is no such object. */
export const ifThere = async <T>(
  answer: Promise<T>,
  saysAbsent: (error: unknown) => boolean,
): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if (saysAbsent(error)) return undefined;
    throw error;
  }
};

/** Words of an error of the network: its code and its message. */
export const networkWords = (error: unknown): string => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return [code, message].filter((part) => typeof part === 'string' && part !== '').join(' ');
};

/**
 * Makes calls of a bucket: each try within its time, again when its failure is a passing one.
 *
 * @param judge what an error of a try means; not asked about a DamagedError
 */
export const createBucketCalls = (
  { retry: policy = RETRY, timeoutMs = TIMEOUT_MS, clock = systemClock }: BucketTries,
  judge: (error: unknown, isUpload: boolean) => BucketFault,
) => {
  const faultOf = (error: unknown, isUpload: boolean): BucketFault => {
    if (!(error instanceof DamagedError)) return judge(error, isUpload);
    const code = isUpload ? 'storage_upload_failed' : 'storage_unavailable';
    const meaning = { code, message: 'The audio did not arrive whole' } as const;
    return { isPassing: true, meaning, words: error.message };
  };
  /** @throws TalebackError */
  return async <T>(
    { subject, uploadBytes }: BucketCall,
    attempt: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    throwIfCancelled(signal);
    const limitMs = timeoutMs + (uploadBytes ?? 0) / SLOWEST_BYTES_PER_MS;
    const isUpload = uploadBytes !== undefined;
    const classify = (error: unknown) => {
      const { isPassing, retryAfterMs } = faultOf(error, isUpload);
      return { retryable: isPassing, retryAfterMs };
    };
    const outcome = await retry(
      async () => {
        const end = await tryWithDeadline(attempt, limitMs, { signal, clock });
        if (end.kind === 'completed') return end.value;
        throw end.kind === 'aborted' ? end.reason : new Error(`no answer within ${limitMs} ms`);
      },
      { ...policy, classify, signal, clock },
    );
    if (outcome.kind === 'succeeded') return outcome.value;
    if (signal?.aborted === true) throw cancellationOf(signal);
    const { meaning, words, retryAfterMs, cause } = faultOf(outcome.lastError, isUpload);
    const { code, message, ...more } = meaning;
    throw new TalebackError(code, message, {
      details: `${subject}: ${words}`,
      cause,
      ...more,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  };
};

/** The keys of all pages. */
export const allKeys = async (
  pageAt: (token: string | undefined) => Promise<KeyPage>,
): Promise<readonly string[]> => {
  const keys: string[] = [];
  let next: string | undefined;
  do {
    const page = await pageAt(next);
    keys.push(...page.keys);
    ({ next } = page);
  } while (next !== undefined);
  return keys;
};
