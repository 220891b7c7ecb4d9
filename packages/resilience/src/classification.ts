export interface Classification {
  /** Whether the same call may succeed later. Errors of the request itself (400, 404) never do. */
  readonly retryable: boolean;
  /** What the service asked for (Retry-After), ms. The wait is never shorter than this. */
  readonly retryAfterMs?: number | undefined;
}

export type Classify = (error: unknown) => Classification;

/** Transient although a 4xx: timeout, too early, too many. */
const TRANSIENT_CLIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
/** Permanent although a 5xx: not implemented, version not supported. */
const LASTING_SERVER_STATUSES: ReadonlySet<number> = new Set([501, 505]);

/**
 * Classifies an HTTP response: 408, 425, 429 and 5xx (without 501 and 505) are transient, everything else is not.
 *
 * @param retryAfter the Retry-After header as it came
 * @param nowMs epoch milliseconds, for a header that contains a date
 * @see docs/origins.md#retries
 *
 * @example
 * import { classifyHttpStatus } from '@taleback/resilience';
 * console.log(classifyHttpStatus(429, '2')); // { retryable: true, retryAfterMs: 2000 }
 */
export function classifyHttpStatus(
  status: number,
  retryAfter?: string | null,
  nowMs: number = Date.now(),
): Classification {
  const transient =
    TRANSIENT_CLIENT_STATUSES.has(status) ||
    (status >= 500 && status <= 599 && !LASTING_SERVER_STATUSES.has(status));
  return { retryable: transient, retryAfterMs: transient ? parseRetryAfter(retryAfter, nowMs) : undefined };
}

/**
 * Reads a Retry-After header: whole seconds or an HTTP date (RFC 9110, 10.2.3). Returns ms from now, never negative;
 * undefined when the header is absent or makes no sense.
 *
 * @example
 * import { parseRetryAfter } from '@taleback/resilience';
 * console.log(parseRetryAfter('120', Date.now())); // 120000
 */
export function parseRetryAfter(header: string | null | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1_000;
  // Every HTTP date starts with a day name; Date.parse alone would also take "-5" or "1.5".
  const atMs = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
