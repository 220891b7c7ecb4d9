import { TalebackError } from '@taleback/core';
import { z } from 'zod';
import type { SynthesisRequest } from './tts-service.ts';

const MAX_CHARACTERS = 20_000;

const optionalText = z.string().max(200).nullish();

const synthesisRequest = z.object({
  text: z.string().max(MAX_CHARACTERS),
  voice: optionalText,
  language: optionalText,
  speed: z.number().nullish(),
  priority: z.enum(['high', 'normal', 'low']).nullish(),
  tenant: optionalText,
});

/**
 * Reads a request that may come from anywhere, such as a page.
 *
 * @throws TalebackError `request_invalid` that names the field, `text_too_long`.
 */
export const parseSynthesisRequest = (value: unknown): SynthesisRequest => {
  const result = synthesisRequest.safeParse(value);
  if (result.success) {
    const { text, voice, language, speed, priority, tenant } = result.data;
    return {
      text,
      voice: voice ?? undefined,
      language: language ?? undefined,
      speed: speed ?? undefined,
      priority: priority ?? undefined,
      tenant: tenant ?? undefined,
    };
  }
  const [issue] = result.error.issues;
  const field = issue?.path.join('.') || 'request';
  const isTooLong = field === 'text' && issue?.code === 'too_big';
  throw new TalebackError(
    isTooLong ? 'text_too_long' : 'request_invalid',
    isTooLong ? `The text is longer than ${MAX_CHARACTERS} characters.` : 'The request cannot be read.',
    { details: `${field}: ${issue?.message ?? 'is not usable'}` },
  );
};
