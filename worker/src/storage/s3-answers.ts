import { type Classification, classifyHttpStatus, parseRetryAfter } from '@taleback/resilience';
export { parseKeyPage } from '@taleback/core/storage';
import { AWAY, type BucketFault, FULL, type Meaning, networkWords, NO_BUCKET, NOT_SAVED } from './bucket.ts';

/** An answer that is no success. It contains no words of the server, which may repeat the access key and what was signed. */
export class S3Fault extends Error {
  readonly status: number;
  /** S3's own word, such as `NoSuchBucket`; empty when the answer has no body, as that to HEAD. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, requestId?: string, retryAfter?: string) {
    super(
      `HTTP ${status}${code === '' ? '' : ` ${code}`}${requestId === undefined ? '' : `, request ${requestId}`}`,
    );
    this.name = 'S3Fault';
    this.status = status;
    this.code = code;
    this.retryAfterMs = parseRetryAfter(retryAfter, Date.now());
  }
}

/** Codes that come with a 4xx, although the same request may succeed: what the network did to it, or a busy server. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'BadDigest',
  'IncompleteBody',
  'RequestTimeout',
  'SlowDown',
  'XAmzContentSHA256Mismatch',
]);

const unsigned = (message: string): Meaning => ({ code: 'credentials_invalid', message });
const misplaced = (message: string): Meaning => ({ code: 'storage_unavailable', message, retryable: false });

const BAD_KEY = unsigned('The access key of the store is not valid');
const BAD_REGION = misplaced('The bucket lies in another region');

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  // Full stores answer with a 5xx too, but no wait of seconds makes room.
  InsufficientStorage: FULL,
  QuotaExceeded: FULL,
  QuotaExceededException: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  InvalidAccessKeyId: BAD_KEY,
  InvalidToken: BAD_KEY,
  InvalidSecurity: BAD_KEY,
  SignatureDoesNotMatch: unsigned('The secret key of the store is not valid'),
  ExpiredToken: unsigned('The session token of the store has run out'),
  RequestTimeTooSkewed: misplaced('The clock of this machine is wrong, so the store takes no request'),
  NoSuchBucket: NO_BUCKET,
  InvalidBucketName: misplaced('There can be no such bucket'),
  PermanentRedirect: BAD_REGION,
  AuthorizationHeaderMalformed: BAD_REGION,
  EntityTooLarge: { ...NOT_SAVED, message: 'The audio is too large for the store' },
};
const FULL_STATUS = 507;

const classify = ({ status, code }: S3Fault): Classification => {
  if (PASSING_CODES.has(code)) return { retryable: true };
  return status === FULL_STATUS || MEANINGS[code] === FULL
    ? { retryable: false }
    : classifyHttpStatus(status);
};

const meaningOf = ({ status, code }: S3Fault, isUpload: boolean, isPassing: boolean): Meaning => {
  if (status === FULL_STATUS) return FULL;
  if (Object.hasOwn(MEANINGS, code)) return MEANINGS[code] as Meaning;
  if (status === 401) return BAD_KEY;
  if (status === 403)
    return { code: 'permission_denied', message: 'The access key may not do this in the bucket' };
  if (status >= 300 && status < 400) return BAD_REGION;
  return { ...(isUpload && status < 500 ? NOT_SAVED : AWAY), retryable: isPassing };
};

/** What a failed try means. Everything else than an answer is a fault of the connection. */
export const judgeS3 = (error: unknown, isUpload: boolean): BucketFault => {
  if (!(error instanceof S3Fault)) {
    const meaning = { code: 'storage_unavailable', message: 'The store cannot be reached' } as const;
    return { isPassing: true, meaning, words: networkWords(error), cause: error };
  }
  const { retryable: isPassing } = classify(error);
  const { message: words, retryAfterMs } = error;
  return { isPassing, retryAfterMs, meaning: meaningOf(error, isUpload, isPassing), words, cause: error };
};
