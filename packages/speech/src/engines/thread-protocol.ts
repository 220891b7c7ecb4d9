import type { ErrorReport } from '@taleback/core';
import type { SpeechChunk } from './engine.ts';

/** What a speech thread is started with. */
export interface SpeechThreadData {
  /** One number, shared: it grows with every message to the thread, and its waiters are notified. */
  readonly bell: Int32Array<SharedArrayBuffer>;
}

/** Between the pool and one speech thread. It answers each chunk exactly once. */
export interface ToSpeechThread {
  readonly type: 'speak';
  readonly correlationId: string;
  readonly chunk: SpeechChunk;
}

export type FromSpeechThread =
  | { readonly type: 'ready' }
  | {
      readonly type: 'audio';
      readonly correlationId: string;
      readonly sampleRateHz: number;
      readonly samples: Int16Array<ArrayBuffer>;
    }
  | { readonly type: 'failed'; readonly correlationId: string; readonly error: ErrorReport };
