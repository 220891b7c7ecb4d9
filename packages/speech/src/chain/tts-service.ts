import { TalebackError } from '@taleback/core';
import type { Priority } from '@taleback/resilience';
import { z } from 'zod';
import type { TtsManagerOverrides } from '../pool/pool-config.ts';
import type { ServiceStatus } from '../status/service-status.ts';

export interface SynthesisRequest {
  /** Up to 20,000 characters; longer texts are narrations. */
  readonly text: string;
  /** Id of a voice. Default: the engine's first that speaks the language. */
  readonly voice?: string | undefined;
  /** BCP 47. Default `en`. */
  readonly language?: string | undefined;
  /** Rate of speech, 0.5 to 2. Default 1. */
  readonly speed?: number | undefined;
  /** Default `normal`. */
  readonly priority?: Priority | undefined;
  /** Tenants share the queue fairly. Default: all are one tenant. */
  readonly tenant?: string | undefined;
}

/** Plain data: it passes through a structured clone. */
export interface SynthesisResult {
  /** A WAV file: 16-bit, one channel. */
  readonly audio: Uint8Array<ArrayBuffer>;
  readonly contentType: 'audio/wav';
  readonly sampleRateHz: number;
  readonly durationMs: number;
  readonly voice: string;
  readonly engine: string;
}

/** @see docs/origins.md#service */
export interface TtsService {
  /** Starts it; safe to call again. The overrides replace those of the constructor. */
  initialize(overrides?: TtsManagerOverrides): Promise<void>;
  /** Speaks a text. Rejects with a TalebackError only. */
  synthesize(
    request: SynthesisRequest,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SynthesisResult>;
  getStatus(): ServiceStatus;
  /** Finishes current work, then ends every process; safe to call again. */
  shutdown(): Promise<void>;
}

const MAX_CHARACTERS = 20_000;

/** Null means absent. */
const optional = <Value>(schema: z.ZodType<Value>) =>
  schema.nullish().transform((value) => value ?? undefined);
const optionalText = optional(z.string().max(200));

const synthesisRequest = z.object({
  text: z.string().max(MAX_CHARACTERS),
  voice: optionalText,
  language: optionalText,
  speed: optional(z.number()),
  priority: optional(z.enum(['high', 'normal', 'low'])),
  tenant: optionalText,
});

/**
 * Parses a request that may come from anywhere, such as a page.
 *
 * @throws TalebackError `request_invalid` that names the field, `text_too_long`
 */
export const parseSynthesisRequest = (value: unknown): SynthesisRequest => {
  const result = synthesisRequest.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join('.') || 'request';
  const details = `${field}: ${issue?.message ?? 'is not usable'}`;
  if (field === 'text' && issue?.code === 'too_big') {
    throw new TalebackError('text_too_long', `The text is longer than ${MAX_CHARACTERS} characters.`, {
      details,
    });
  }
  throw new TalebackError('request_invalid', 'The request cannot be read.', { details });
};
