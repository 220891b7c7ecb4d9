import { type Classification, classifyHttpStatus, parseRetryAfter } from '@taleback/resilience';
import {
  AWAY,
  type BucketFault,
  FULL,
  type KeyPage,
  type Meaning,
  networkWords,
  NO_BUCKET,
  NOT_SAVED,
} from './bucket.ts';

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
