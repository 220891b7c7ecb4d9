import { type ErrorCode, TalebackError } from '@taleback/core';
import { type Classification, classifyHttpStatus } from '@taleback/resilience';

/** What the library reports of a failed call. */
export interface GcsFault {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The first of Google's reasons, such as `rateLimitExceeded`. */
  readonly reason: string | undefined;
  readonly message: string;
}

/** The bytes that arrived are not those that were sent. */
export class ChecksumError extends Error {
  override readonly name = 'ChecksumError';
}

/** A 403 that is about how much, not about who. */
const BUSY_REASONS: ReadonlySet<string> = new Set(['rateLimitExceeded', 'userRateLimitExceeded']);
/** Words of the sign-in library, which knows no codes. */
const SIGN_IN_TROUBLE =
  /default credentials|invalid_grant|invalid_client|client_email|private[_ ]key|DECODER|PEM|signBlob/i;

export const gcsFaultOf = (error: unknown): GcsFault => {
  const { code, errors, message } = error as { code?: unknown; errors?: unknown; message?: unknown };
  const [first] = Array.isArray(errors) ? (errors as { reason?: unknown }[]) : [];
  const status = Number(code);
  return {
    status: status >= 100 && status <= 599 ? status : undefined,
    reason: typeof first?.reason === 'string' ? first.reason : undefined,
    message: [typeof code === 'string' && Number.isNaN(status) ? code : '', String(message ?? error)]
      .filter((part) => part !== '')
      .join(' ')
      .slice(0, 300),
  };
};

const isSignIn = ({ status, message }: GcsFault): boolean =>
  status === 401 || ((status === undefined || status === 400) && SIGN_IN_TROUBLE.test(message));

/** Whether there is nothing under the key; a missing bucket is something else. */
export const saysAbsent = (error: unknown): boolean => {
  const { status, message } = gcsFaultOf(error);
  return status === 404 && !/bucket does not exist/i.test(message);
};

/** Whether the very same call is worth making again at once. */
export const classifyGcsFault = (error: unknown): Classification => {
  if (error instanceof ChecksumError) return { retryable: true };
  const fault = gcsFaultOf(error);
  if (isSignIn(fault)) return { retryable: false };
  if (fault.status === undefined) return { retryable: true };
  if (BUSY_REASONS.has(fault.reason ?? '')) return { retryable: true };
  return classifyHttpStatus(fault.status);
};

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  /** Default: the catalogue's. */
  readonly retryable?: boolean;
}

/** @see https://cloud.google.com/storage/docs/json_api/v1/status-codes */
const meaningOf = (fault: GcsFault, isUpload: boolean, isPassing: boolean): Meaning => {
  const { status, reason } = fault;
  if (isSignIn(fault)) return { code: 'credentials_invalid', message: 'We are not signed in with the store' };
  if (status === undefined || isPassing) return { code: 'storage_unavailable', message: 'The store is away' };
  if (reason === 'quotaExceeded') return { code: 'disk_full', message: 'No space left for the audio' };
  if (status === 403)
    return { code: 'permission_denied', message: 'This account may not do that in the bucket' };
  if (status === 404)
    return { code: 'storage_unavailable', message: 'There is no such bucket', retryable: false };
  return isUpload
    ? { code: 'storage_upload_failed', message: 'The audio could not be saved', retryable: false }
    : { code: 'storage_unavailable', message: 'The store does not answer this', retryable: false };
};

/**
 * Makes one of our errors of a failed call. The library's own is not its cause: it contains the request, and with it
 * the token.
 * @param what the bucket and the key, for operators
 */
export const toGcsError = (error: unknown, what: string, isUpload: boolean): TalebackError => {
  const fault = gcsFaultOf(error);
  const status = fault.status === undefined ? '' : `HTTP ${fault.status} ${fault.reason ?? ''} `;
  const details = `${what}: ${status}${fault.message}`;
  if (error instanceof ChecksumError) {
    const ours = isUpload ? 'storage_upload_failed' : 'storage_unavailable';
    return new TalebackError(ours, 'The audio did not arrive whole', { details });
  }
  const { code, message, retryable } = meaningOf(fault, isUpload, classifyGcsFault(error).retryable);
  return new TalebackError(code, message, { details, ...(retryable === undefined ? {} : { retryable }) });
};
