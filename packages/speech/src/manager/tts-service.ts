import type { Priority } from '@taleback/resilience';
import type { ServiceStatus } from '../status/index.ts';
import type { TtsManagerOverrides } from './manager-config.ts';

export interface SynthesisRequest {
  /** Up to 20,000 characters; longer texts are narrations, not answers. */
  readonly text: string;
  /** Id of a voice. Default: the engine's first that speaks the language. */
  readonly voice?: string | undefined;
  /** BCP 47. Default `en`. */
  readonly language?: string | undefined;
  /** Rate of speech, 0.5 to 2. Default 1. */
  readonly speed?: number | undefined;
  /** Default `normal`. */
  readonly priority?: Priority | undefined;
  /** Tenants take turns in the queue. Default: all share one. */
  readonly tenant?: string | undefined;
}

/** Plain data, so that it passes through a structured clone as it is. */
export interface SynthesisResult {
  /** A WAV file: 16-bit, one channel. */
  readonly audio: Uint8Array<ArrayBuffer>;
  readonly contentType: 'audio/wav';
  readonly sampleRateHz: number;
  readonly durationMs: number;
  readonly voice: string;
  readonly engine: string;
}

/** @see seed 004, "Service Contract Architecture" */
export interface TtsService {
  /** Starts it; safe to call again. The overrides take the place of those it was made with. */
  initialize(overrides?: TtsManagerOverrides): Promise<void>;
  /** Speaks a text. Rejects with a TalebackError, whatever goes wrong. */
  synthesize(
    request: SynthesisRequest,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SynthesisResult>;
  getStatus(): ServiceStatus;
  /** Finishes what is under way, then ends every process; safe to call again. */
  shutdown(): Promise<void>;
}
