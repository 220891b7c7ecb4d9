/** What went wrong, stable across versions, threads and processes. */
export type ResilienceErrorCode =
  | 'breaker-refused'
  | 'bulkhead-refused'
  | 'rate-limited'
  | 'deadline-exceeded';

export interface ResilienceErrorFields {
  readonly code: ResilienceErrorCode;
  readonly category: 'protection' | 'timeout';
  /** How long to wait before trying again; undefined when nobody knows. */
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, string | number>>;
}

const BRAND = 'taleback.resilience';

/**
 * Thrown by the convenience forms only; every policy also has a form that returns the same facts as data.
 * Recognise it with `isResilienceError`, not `instanceof`: two copies of this package may be loaded.
 */
export abstract class ResilienceError extends Error implements ResilienceErrorFields {
  readonly brand = BRAND;
  readonly code: ResilienceErrorCode;
  readonly category: 'protection' | 'timeout';
  /** All of them pass with time, so trying again later is sensible. */
  readonly retryable = true;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(message: string, fields: ResilienceErrorFields) {
    super(message);
    this.name = new.target.name;
    this.code = fields.code;
    this.category = fields.category;
    this.retryAfterMs = fields.retryAfterMs;
    this.details = fields.details;
  }
}

export function isResilienceError(value: unknown): value is ResilienceError {
  return value instanceof Error && 'brand' in value && value.brand === BRAND;
}
