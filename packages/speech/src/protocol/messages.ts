import type { ErrorReport } from '@taleback/core';
import type { ProtocolVersion } from './version.ts';

/** What every line of 2.0 and 2.1 has around its payload. @see ARCHITECTURE.md */
export interface Envelope {
  readonly version: ProtocolVersion;
  readonly messageId: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly type: 'request' | 'response' | 'event';
  readonly payload: { readonly type: string; readonly [field: string]: unknown };
  readonly metadata?: EnvelopeMetadata;
  /** Raw bytes after the line, 2.1 only. */
  readonly byteLength?: number;
}

export interface EnvelopeMetadata {
  readonly correlationId: string;
  readonly workerId?: string;
  /** 0 for the first try. */
  readonly retryCount?: number;
}

/** What a child says of itself. */
export interface ChildInfo {
  readonly version: ProtocolVersion;
  readonly engine: string | undefined;
  /** Requests it takes at once. */
  readonly concurrency: number;
  readonly models: readonly string[];
}

export interface ChildHealth {
  readonly rssBytes: number | undefined;
  readonly jobsDone: number | undefined;
  readonly model: string | undefined;
}

export interface SoundFormat {
  readonly encoding: SoundEncoding;
  /** Of `pcm_s16le`; a WAV file says it itself. */
  readonly sampleRateHz: number | undefined;
}

/** Sound as it came over the wire. */
export type WireSound = SoundFormat &
  (
    | { readonly kind: 'raw'; readonly bytes: Uint8Array<ArrayBuffer> }
    | { readonly kind: 'base64'; readonly text: string }
    | { readonly kind: 'file'; readonly path: string }
  );

export type SoundEncoding = 'pcm_s16le' | 'wav';

/** A message of a child, understood. */
export type ChildMessage =
  | { readonly kind: 'hello'; readonly correlationId: string; readonly info: ChildInfo }
  | { readonly kind: 'audio'; readonly correlationId: string; readonly sound: WireSound }
  | { readonly kind: 'error'; readonly correlationId: string; readonly error: ErrorReport }
  | { readonly kind: 'pong'; readonly correlationId: string; readonly health: ChildHealth }
  | { readonly kind: 'ready'; readonly model: string | undefined }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  /** An object without version, which only 1.0 sends. It has no correlation; `answer` is absent when it is none. */
  | { readonly kind: 'bare'; readonly answer: BareAnswer | undefined };

export type BareAnswer =
  | { readonly ok: true; readonly path: string | undefined }
  | { readonly ok: false; readonly error: ErrorReport };
