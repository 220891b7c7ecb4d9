/** What went wrong, stable across versions, threads and processes. */
export type ResilienceErrorCode =
  | 'breaker-refused'
  | 'bulkhead-refused'
  | 'rate-limited'
  | 'deadline-exceeded';

const BRAND = 'taleback.resilience';

/**
 * Thrown by the convenience forms only; every policy also has a form that returns the same facts as data.
 * Recognise it with `isResilienceError`, not `instanceof`: two copies of this package may be loaded.
 */
export abstract class ResilienceError extends Error {
  readonly brand = BRAND;
  abstract readonly code: ResilienceErrorCode;
  readonly category: 'protection' | 'timeout' = 'protection';
  /** All of them pass with time, so trying again later is sensible. */
  readonly retryable = true;
  /** How long to wait before trying again; undefined when that is unknown. */
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    message: string,
    retryAfterMs?: number,
    details: Readonly<Record<string, string | number>> = {},
  ) {
    super(message);
    this.name = new.target.name;
    this.retryAfterMs = retryAfterMs;
    this.details = details;
  }
}

/**
 * Whether a policy of this package threw the value, also a copy of the package in another folder.
 *
 * @example
 * import { isResilienceError, withDeadline } from '@taleback/resilience';
 * const error = await withDeadline(() => new Promise<never>(() => {}), 10).catch((reason: unknown) => reason);
 * if (isResilienceError(error)) console.log(error.code, error.retryable); // deadline-exceeded true
 */
export function isResilienceError(value: unknown): value is ResilienceError {
  return value instanceof Error && 'brand' in value && value.brand === BRAND;
}
