import { type ErrorCode, TalebackError } from '@taleback/core';
import { type Classification, classifyHttpStatus, parseRetryAfter } from '@taleback/resilience';

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

/** The bytes that arrived are not those that were sent. */
export class UploadDamagedError extends Error {
  override readonly name = 'UploadDamagedError';
}

/** Codes that come with a 4xx, although the same request may succeed: what the network did to it, or a busy server. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'BadDigest',
  'IncompleteBody',
  'RequestTimeout',
  'SlowDown',
  'XAmzContentSHA256Mismatch',
]);

/** Full stores answer with a 5xx too, but no wait of seconds makes room. */
const FULL_CODES: ReadonlySet<string> = new Set([
  'InsufficientStorage',
  'QuotaExceeded',
  'QuotaExceededException',
  'XMinioAdminBucketQuotaExceeded',
  'XMinioStorageFull',
]);
const FULL_STATUS = 507;

const isFull = ({ code, status }: S3Fault): boolean => FULL_CODES.has(code) || status === FULL_STATUS;

/** Whether the very same request is worth sending again at once. Everything else than an answer is a fault of the connection. */
export const classifyS3Fault = (error: unknown): Classification => {
  if (!(error instanceof S3Fault)) return { retryable: true };
  if (isFull(error)) return { retryable: false };
  if (PASSING_CODES.has(error.code)) return { retryable: true, retryAfterMs: error.retryAfterMs };
  return { ...classifyHttpStatus(error.status), retryAfterMs: error.retryAfterMs };
};

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  /** Default: the catalogue's. */
  readonly retryable?: boolean;
}

const unsigned = (message: string): Meaning => ({ code: 'credentials_invalid', message });
const misplaced = (message: string): Meaning => ({ code: 'storage_unavailable', message, retryable: false });

const BAD_KEY = unsigned('The access key of the store is not valid');
const BAD_REGION = misplaced('The bucket lies in another region');

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  InvalidAccessKeyId: BAD_KEY,
  InvalidToken: BAD_KEY,
  InvalidSecurity: BAD_KEY,
  SignatureDoesNotMatch: unsigned('The secret key of the store is not valid'),
  ExpiredToken: unsigned('The session token of the store has run out'),
  RequestTimeTooSkewed: misplaced('The clock of this machine is wrong, so the store takes no request'),
  NoSuchBucket: misplaced('There is no such bucket'),
  InvalidBucketName: misplaced('There can be no such bucket'),
  PermanentRedirect: BAD_REGION,
  AuthorizationHeaderMalformed: BAD_REGION,
  EntityTooLarge: {
    code: 'storage_upload_failed',
    message: 'The audio is too large for the store',
    retryable: false,
  },
};

const meaningOf = (fault: S3Fault, isUpload: boolean): Meaning => {
  if (isFull(fault)) return { code: 'disk_full', message: 'No space left for the audio' };
  if (Object.hasOwn(MEANINGS, fault.code)) return MEANINGS[fault.code] as Meaning;
  if (fault.status === 401) return BAD_KEY;
  if (fault.status === 403)
    return { code: 'permission_denied', message: 'The access key may not do this in the bucket' };
  if (fault.status >= 300 && fault.status < 400) return BAD_REGION;
  const isPassing = classifyS3Fault(fault).retryable;
  if (isUpload && fault.status < 500)
    return { code: 'storage_upload_failed', message: 'The audio could not be saved', retryable: isPassing };
  return { code: 'storage_unavailable', message: 'The store is away', retryable: isPassing };
};

const networkDetails = (error: unknown): string => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return [code, message].filter((part) => typeof part === 'string' && part !== '').join(' ');
};

/**
 * Makes one of our errors of a failed attempt.
 * @param what the bucket and the key, for operators
 */
export const toS3Error = (error: unknown, what: string, isUpload: boolean): TalebackError => {
  if (error instanceof S3Fault) {
    const { code, message, retryable } = meaningOf(error, isUpload);
    return new TalebackError(code, message, {
      details: `${what}: ${error.message}`,
      cause: error,
      ...(retryable === undefined ? {} : { retryable }),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }
  const details = `${what}: ${networkDetails(error)}`;
  return error instanceof UploadDamagedError
    ? new TalebackError('storage_upload_failed', 'The audio did not arrive whole', { details, cause: error })
    : new TalebackError('storage_unavailable', 'The store cannot be reached', { details, cause: error });
};

/** One page of the answer to ListObjectsV2. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** The start of an answer is enough to know it by, bytes. */
const ROOT_WITHIN = 1_024;

/** Text without the references of XML. One that XML does not know stays. */
const unescapeXml = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,4}));/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return ENTITIES[name] ?? whole;
    const point = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
    return point <= 0x10_ff_ff ? String.fromCodePoint(point) : whole;
  });

const elementIn = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

/**
 * Reads a page of keys; undefined for what is none, such as the page of a proxy.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export const parseKeyPage = (body: Uint8Array): KeyPage | undefined => {
  const xml = Buffer.from(body).toString('utf8');
  if (!/<ListBucketResult[\s>]/.test(xml.slice(0, ROOT_WITHIN)) || !xml.includes('</ListBucketResult>'))
    return undefined;
  const keys = [...xml.matchAll(/<Contents>.*?<Key>([^<]*)<\/Key>.*?<\/Contents>/gs)].map(([, key = '']) =>
    unescapeXml(key),
  );
  const isCut = elementIn(xml, 'IsTruncated')?.trim() === 'true';
  const token = elementIn(xml, 'NextContinuationToken');
  return { keys, next: isCut && token !== undefined ? unescapeXml(token) : undefined };
};
