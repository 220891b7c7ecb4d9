import { describeError, type ErrorCategory, type ErrorCode } from '@taleback/core';

/** What a failure says about trying elsewhere. */
export type Elsewhere =
  /** Another voice of the same engine may do better. */
  | 'next-voice'
  /** This engine is in trouble, whatever the voice. */
  | 'next-engine'
  /** Nobody would do better, or nobody should. */
  | 'nowhere';

const BY_CATEGORY: Readonly<Record<ErrorCategory, Elsewhere>> = {
  // Seed 002: NoAudioReceived is met by the next voice.
  model: 'next-voice',
  provider: 'next-engine',
  network: 'next-engine',
  timeout: 'next-engine',
  resource: 'next-engine',
  auth: 'next-engine',
  internal: 'next-engine',
  // What is wrong with the story stays wrong, and a voice that does not exist is for its person to choose anew.
  input: 'nowhere',
  voice: 'nowhere',
  // The audio was made: speaking it again in another voice saves it no better.
  storage: 'nowhere',
  protection: 'nowhere',
};

const BY_CODE: Readonly<Partial<Record<ErrorCode, Elsewhere>>> = {
  model_unavailable: 'next-engine',
  model_loading_failed: 'next-engine',
  circuit_open: 'next-engine',
  queue_full: 'next-engine',
  // Engines take recordings in formats of their own.
  voice_profile_format_invalid: 'next-engine',
  job_cancelled: 'nowhere',
};

/** Where a narration that failed with this code may be tried. */
export const whereElse = (code: ErrorCode): Elsewhere =>
  BY_CODE[code] ?? BY_CATEGORY[describeError(code).category];
