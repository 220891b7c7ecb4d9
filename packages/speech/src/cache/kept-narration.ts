import { z } from 'zod';
import type { Narration } from '../chain/narrate.ts';
import type { KeptSound } from './entry-format.ts';

type Facts = Omit<Narration, 'bytes' | 'failedBefore'>;

/** What is kept of a narration beside its bytes. None of it is of the text. */
const factsSchema = z.object({
  durationMs: z.number(),
  sampleRateHz: z.number(),
  chunkCount: z.number(),
  voiceId: z.string(),
  engine: z.string(),
}) satisfies z.ZodType<Facts>;

/** A narration as it is kept. */
export const soundOf = ({
  bytes,
  durationMs,
  sampleRateHz,
  chunkCount,
  voiceId,
  engine,
}: Narration): KeptSound => {
  const facts = { durationMs, sampleRateHz, chunkCount, voiceId, engine } satisfies Record<
    keyof Facts,
    unknown
  >;
  return { facts, bytes };
};

/** A narration that was kept, or undefined when its facts are not those of one. The bytes are not copied. */
export const narrationOf = ({ facts, bytes }: KeptSound): Narration | undefined => {
  const parsed = factsSchema.safeParse(facts);
  return parsed.success ? { ...parsed.data, bytes } : undefined;
};
