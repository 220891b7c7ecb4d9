import { AUDIO_STATUSES, type AudioStatus, type ErrorCode, isErrorCode, numberOf } from '@taleback/core';
import { type Fields, fieldsOf, millisOf, textOf } from './fields.ts';

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
  readonly error: { readonly code: ErrorCode; readonly message: string | undefined } | undefined;
  /** In the order they happened. */
  readonly transitions: readonly Transition[];
}

export interface Transition {
  readonly status: AudioStatus;
  /** Where it came from, such as `callback`. */
  readonly source: string | undefined;
  readonly atMs: number | undefined;
}

const readError = (value: unknown): Attempt['error'] => {
  if (value === undefined || value === null) return undefined;
  const { code, message } = fieldsOf(value);
  return { code: isErrorCode(code) ? code : 'unknown', message: textOf(message) };
};

const readTransitions = (fields: Fields): readonly Transition[] =>
  AUDIO_STATUSES.filter((status) => Object.hasOwn(fields, status))
    .map((status) => {
      const { source, at } = fieldsOf(fields[status]);
      return { status, source: textOf(source), atMs: millisOf(at) };
    })
    .sort((one, other) => (one.atMs ?? 0) - (other.atMs ?? 0));

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
  transitions: readTransitions(fieldsOf(fields['transitions'])),
});

/** Newest first; attempts without a number come last. */
export const inOrder = (attempts: readonly Attempt[]): readonly Attempt[] => {
  const timeOf = ({ requestedAtMs, endedAtMs }: Attempt): number => requestedAtMs ?? endedAtMs ?? 0;
  return attempts.toSorted(
    (one, other) => (other.number ?? 0) - (one.number ?? 0) || timeOf(other) - timeOf(one),
  );
};
