import { type ErrorCategory, type ErrorCode, describeError } from './catalogue.ts';

const BRAND = 'taleback.error';

export interface TalebackErrorOptions {
  /** Technical words for operators; never a stack. Default: the message. */
  readonly details?: string;
  /** Overrides the catalogue, for a cause that is known to be worse or better than its code. */
  readonly retryable?: boolean;
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** What of an error crosses a process or thread: everything but the stack. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

/**
 * The one base of our faults: a catalogue code, and what was known where it was thrown.
 * Recognise it by `isTalebackError`, not `instanceof`, because it travels between threads and processes.
 */
export class TalebackError extends Error {
  readonly brand: string = BRAND;
  readonly code: ErrorCode;
  readonly category: ErrorCategory;
  readonly retryable: boolean;
  readonly details: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: TalebackErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'TalebackError';
    this.code = code;
    this.category = describeError(code).category;
    this.retryable = options.retryable ?? describeError(code).retryable;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export const isTalebackError = (value: unknown): value is TalebackError =>
  typeof value === 'object' && value !== null && (value as { brand?: unknown }).brand === BRAND;

/** Puts an error into words that may leave the process. */
export const reportError = (error: TalebackError): ErrorReport => ({
  code: error.code,
  message: error.message,
  retryable: error.retryable,
  ...(error.details === undefined ? {} : { details: error.details }),
  ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
});

/** The error that a report tells of, on the other side of a process or thread. */
export const errorFromReport = (report: ErrorReport): TalebackError =>
  new TalebackError(report.code, report.message, {
    retryable: report.retryable,
    ...(report.details === undefined ? {} : { details: report.details }),
    ...(report.retryAfterMs === undefined ? {} : { retryAfterMs: report.retryAfterMs }),
  });
