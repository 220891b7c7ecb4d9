import type { ErrorReport } from '@taleback/core';
import type { SpeechChunk } from './engine.ts';

/**
 * Between the pool and one speech thread. A thread has one chunk at a time and answers each exactly once, with the
 * id it was given. Samples are moved, not copied.
 */
export interface ToSpeechThread {
  readonly type: 'speak';
  readonly id: number;
  readonly chunk: SpeechChunk;
}

export type FromSpeechThread =
  | {
      readonly type: 'audio';
      readonly id: number;
      readonly sampleRateHz: number;
      readonly samples: Int16Array<ArrayBuffer>;
    }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorReport };
