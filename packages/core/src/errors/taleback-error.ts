import { present } from '../json.ts';
import { type ErrorCategory, type ErrorCode, describeError } from './catalogue.ts';

const BRAND = 'taleback.error';

export interface TalebackErrorOptions {
  /** Technical words for operators; never a stack. Default: the message. */
  readonly details?: string;
  /** Overrides the catalogue, when more is known of the cause than its code says. */
  readonly retryable?: boolean;
  /** What the service asked for (Retry-After), ms. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The part of an error that crosses a process or thread: everything but the stack. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

/**
 * The base of our faults: a catalogue code, and what was known where it was thrown. Recognise it by `isTalebackError`,
 * not `instanceof`, because it travels between threads and processes.
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

/**
 * Whether a value is one of our errors, also from another thread or copy of this package.
 *
 * @example
 * isTalebackError(new TalebackError('timed_out', 'no answer')); // true
 */
export const isTalebackError = (value: unknown): value is TalebackError =>
  typeof value === 'object' && value !== null && (value as { brand?: unknown }).brand === BRAND;

/**
 * The form of an error that may leave the process.
 *
 * @example
 * reportError(new TalebackError('timed_out', 'no answer')); // { code: 'timed_out', ... }
 */
export const reportError = (error: TalebackError): ErrorReport => ({
  code: error.code,
  message: error.message,
  retryable: error.retryable,
  ...present({ details: error.details, retryAfterMs: error.retryAfterMs }),
});

/**
 * The error of a report from another process or thread.
 *
 * @example
 * errorFromReport({ code: 'timed_out', message: 'no answer', retryable: true }).category; // 'timeout'
 */
export const errorFromReport = (report: ErrorReport): TalebackError =>
  new TalebackError(report.code, report.message, report);
