import type { ErrorReport } from '@taleback/core/errors';
import type { Pcm } from '../audio/pcm.ts';

/**
 * The wire between the manager and a speech child: versions, limits, and the messages of each direction.
 * ARCHITECTURE.md beside this file shows them as JSON. Children import this file, so it imports no code.
 */

/** The versions spoken, newest first. @see docs/origins.md#protocol */
export const PROTOCOL_VERSIONS = ['2.1.0', '2.0.0', '1.0.0'] as const;

export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

/** One bare object per request and answer, without version or correlation id. */
export const BARE_VERSION = '1.0.0' satisfies ProtocolVersion;

/** The only version whose lines may be followed by raw bytes. */
export const RAW_VERSION = '2.1.0' satisfies ProtocolVersion;

/**
 * Whether this is a version that we speak.
 *
 * @example
 * isProtocolVersion('2.1.0'); // true
 */
export const isProtocolVersion = (value: unknown): value is ProtocolVersion =>
  PROTOCOL_VERSIONS.some((version) => version === value);

/** The newest version in both lists; undefined when there is none. */
export const newestCommon = (
  ours: readonly ProtocolVersion[],
  theirs: readonly unknown[],
): ProtocolVersion | undefined =>
  PROTOCOL_VERSIONS.find((version) => ours.includes(version) && theirs.includes(version));

/** Longest line of either direction, bytes without its end: a long chapter with escapes, many times over. */
export const MAX_LINE_BYTES = 2 ** 20;

/** Most raw bytes after one line: half an hour of 16 kHz sound, where a chunk is some seconds. */
export const MAX_RAW_BYTES = 64 * 2 ** 20;

/** Longest correlation id. A longer one, echoed, could make an answer longer than a line may be. */
export const MAX_ID_CHARACTERS = 256;

/** Longest message or details of an error: they go into logs and documents, a library's whole dump does not. */
export const MAX_ERROR_CHARACTERS = 2_000;

/** What every line of 2.0 and 2.1 has around its payload. */
export interface Envelope {
  readonly version: ProtocolVersion;
  readonly messageId: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly type: 'request' | 'response' | 'event';
  readonly payload: { readonly type: string; readonly [field: string]: unknown };
  readonly metadata?: {
    readonly correlationId: string;
    readonly workerId?: string;
    /** 0 for the first attempt. */
    readonly retryCount?: number;
  };
  /** Raw bytes after the line, 2.1 only. */
  readonly byteLength?: number;
}

/** Which request an answer belongs to, and the version to answer in. 1.0 has no correlation id: it is empty. */
export interface Address {
  readonly version: ProtocolVersion;
  readonly correlationId: string;
}

export interface SynthesizeFields {
  readonly text: string;
  /** Absent in 1.0 only. */
  readonly voiceId: string | undefined;
  readonly speed: number | undefined;
  readonly language: string | undefined;
  readonly outputPath: string | undefined;
  readonly options: Readonly<Record<string, unknown>> | undefined;
}

/** Manager to child, parsed. */
export type ManagerMessage =
  | { readonly kind: 'hello'; readonly address: Address; readonly versions: readonly unknown[] }
  | { readonly kind: 'synthesize'; readonly address: Address; readonly fields: SynthesizeFields }
  | { readonly kind: 'ping'; readonly address: Address }
  | { readonly kind: 'cancel'; readonly correlationId: string }
  | { readonly kind: 'shutdown' };

/** Child to manager, parsed. */
export type ChildMessage =
  | { readonly kind: 'hello'; readonly correlationId: string; readonly info: ChildInfo }
  | { readonly kind: 'audio'; readonly correlationId: string; readonly sound: Pcm }
  | ({ readonly kind: 'file'; readonly correlationId: string } & SoundFile)
  | { readonly kind: 'error'; readonly correlationId: string; readonly error: ErrorReport }
  | { readonly kind: 'pong'; readonly correlationId: string; readonly health: ChildHealth }
  | { readonly kind: 'ready'; readonly model: string | undefined }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  /** An object without a version, which only 1.0 sends. `answer` is undefined when it is not an answer. */
  | { readonly kind: 'bare'; readonly answer: BareAnswer | undefined };

/** What a child says about itself in `hello`. */
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
  readonly encoding: 'pcm_s16le' | 'wav';
  /** Of `pcm_s16le`; a WAV file has its own. */
  readonly sampleRateHz: number | undefined;
}

export interface SoundFile extends SoundFormat {
  /** Absent when the child named none. */
  readonly path: string | undefined;
}

export type BareAnswer =
  | { readonly ok: true; readonly path: string | undefined }
  | { readonly ok: false; readonly error: ErrorReport };
