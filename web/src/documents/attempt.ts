import { AUDIO_STATUSES, type AudioStatus, type ErrorCode, isErrorCode } from '@taleback/core';
import { type Fields, fieldsOf, millisOf, numberOf, textOf } from './fields.ts';

/** One attempt at a narration, as in its document. Any part may be missing. */
export interface Attempt {
  readonly id: string;
  readonly jobId: string;
  /** 1-based */
  readonly number: number | undefined;
  readonly status: AudioStatus | undefined;
  readonly requestedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly stage: string | undefined;
  readonly engine: string | undefined;
  readonly worker: string | undefined;
  /** Length of the narration, in milliseconds. */
  readonly durationMs: number | undefined;
  readonly error: AttemptError | undefined;
  /** In the order they happened. */
  readonly transitions: readonly Transition[];
}

export interface AttemptError {
  readonly code: ErrorCode;
  readonly message: string | undefined;
}

export interface Transition {
  readonly status: AudioStatus;
  /** Where it came from, such as `callback`. */
  readonly source: string | undefined;
  readonly atMs: number | undefined;
}

const readError = (value: unknown): AttemptError | undefined => {
  if (value === undefined || value === null) return undefined;
  const error = fieldsOf(value);
  const code = error['code'];
  return { code: isErrorCode(code) ? code : 'unknown', message: textOf(error['message']) };
};

const readTransitions = (value: unknown): readonly Transition[] => {
  const fields = fieldsOf(value);
  return AUDIO_STATUSES.filter((status) => Object.hasOwn(fields, status))
    .map((status) => {
      const transition = fieldsOf(fields[status]);
      return { status, source: textOf(transition['source']), atMs: millisOf(transition['at']) };
    })
    .sort((one, other) => (one.atMs ?? 0) - (other.atMs ?? 0));
};

/** Reads an attempt document; its id is the job's. */
export const readAttempt = (id: string, fields: Fields): Attempt => ({
  id,
  jobId: textOf(fields['jobId']) ?? id,
  number: numberOf(fields['number']),
  status: AUDIO_STATUSES.find((status) => status === fields['status']),
  requestedAtMs: millisOf(fields['requestedAt']),
  endedAtMs: millisOf(fields['endedAt']),
  stage: textOf(fields['stage']),
  engine: textOf(fields['engine']),
  worker: textOf(fields['worker']),
  durationMs: numberOf(fields['durationMs']),
  error: readError(fields['error']),
  transitions: readTransitions(fields['transitions']),
});

/** Newest first; attempts without a number come last. */
export const inOrder = (attempts: readonly Attempt[]): readonly Attempt[] =>
  [...attempts].sort(
    (one, other) =>
      (other.number ?? 0) - (one.number ?? 0) ||
      (other.requestedAtMs ?? other.endedAtMs ?? 0) - (one.requestedAtMs ?? one.endedAtMs ?? 0),
  );
