import type { ErrorCode } from '@taleback/core';
import type { TlsTrouble } from './network.ts';

/** In this order: what an address is, whether somebody listens, whether it is they, whether they are well. */
export type StepName = 'dns' | 'tcp' | 'tls' | 'http' | 'voice';

export interface DiagnosisStep {
  readonly name: StepName;
  readonly outcome: 'ok' | 'failed' | 'skipped';
  readonly ms: number;
  /** What was found, or the error, for operators. */
  readonly words: string;
}

/** What is wrong, closer than a code of the catalogue says it. */
export type Trouble =
  | 'name-unknown'
  | 'resolver-away'
  | 'refused'
  | 'unreachable'
  /** No answer at all: a firewall drops what is sent. */
  | 'filtered'
  | `certificate-${Exclude<TlsTrouble, 'protocol'>}`
  | 'tls-protocol'
  /** It took the connection and said nothing. */
  | 'hung'
  | 'hung-up'
  | 'credentials'
  | 'permission'
  | 'rate-limit'
  | 'quota'
  | 'voice'
  | 'address'
  | 'service';

/** What was found out about a place. Plain JSON, and nothing in it is secret. */
export interface Diagnosis {
  /** Where, such as `https://tts.example.com`. */
  readonly target: string;
  readonly host: string;
  readonly ok: boolean;
  /** Absent when all is well. */
  readonly code?: ErrorCode;
  readonly trouble?: Trouble;
  /** One sentence. */
  readonly summary: string;
  /** The error of the step that failed. */
  readonly details?: string;
  readonly steps: readonly DiagnosisStep[];
  /** What to do, the likeliest first; when all is well, what it may have been. */
  readonly suggestions: readonly string[];
  /** How long it took. */
  readonly ms: number;
  /** ISO 8601. */
  readonly at: string;
}
