import { TalebackError } from '@taleback/core';
import { z } from 'zod';

const MAX_CHARACTERS = 20_000;

/** Null means absent. */
const optional = <Value>(schema: z.ZodType<Value>) =>
  schema.nullish().transform((value) => value ?? undefined);
const optionalText = optional(z.string().max(200));

const synthesisRequest = z.object({
  /** Longer texts are narrations. */
  text: z.string().max(MAX_CHARACTERS),
  /** Id of a voice. Default: the engine's first that speaks the language. */
  voice: optionalText,
  /** BCP 47. Default `en`. */
  language: optionalText,
  /** Rate of speech, 0.5 to 2. Default 1. */
  speed: optional(z.number()),
  /** Default `normal`. */
  priority: optional(z.enum(['high', 'normal', 'low'])),
  /** Tenants share the queue fairly. Default: all are one tenant. */
  tenant: optionalText,
});

export type SynthesisRequest = z.input<typeof synthesisRequest>;

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

/**
 * Parses a request that may come from anywhere, such as a page.
 *
 * @throws TalebackError `request_invalid` that names the field, `text_too_long`
 */
export const parseSynthesisRequest = (value: unknown): z.output<typeof synthesisRequest> => {
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
