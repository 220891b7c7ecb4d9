import { z } from 'zod';
import type { CacheLimits } from '@taleback/speech/src/cache/sound-cache.ts';

const MEBIBYTE = 2 ** 20;
const DAY_MS = 24 * 60 * 60_000;

/** The variables of the cache. @see seed 002, "Smart Caching" */
export const cacheEnvironment = {
  SPEECH_CACHE: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'Whether speech that was made before is used again: for an equal story, and for the finished part of a story whose worker died. What people wrote is kept only as sound and hashes; `off` keeps nothing.',
    ),
  SPEECH_CACHE_FOLDER: z
    .string()
    .min(1)
    .default('.taleback/cache')
    .describe(
      'Folder of the cache; only its owner can read what is in it. Several workers may share it. It may be removed at any time.',
    ),
  SPEECH_CACHE_MB: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_048_576)
    .default(512)
    .describe(
      'Largest size of the cache; what was used least recently goes first. MiB, 1 to 1048576. 512 is about four hours of speech in pieces, or eighteen as MP3.',
    ),
  SPEECH_CACHE_DAYS: z.coerce
    .number()
    .gt(0)
    .max(3_650)
    .default(30)
    .describe(
      "How long speech is kept after it was made, however often it is used. Days, up to 3650. A month: nobody's story stays for ever, and what is told again is mostly told soon.",
    ),
};

type CacheEnvironment = z.output<z.ZodObject<typeof cacheEnvironment>>;

export interface CacheConfig {
  readonly isOn: boolean;
  readonly folder: string;
  readonly limits: CacheLimits;
}

export const toCacheConfig = (env: CacheEnvironment): CacheConfig => ({
  isOn: env.SPEECH_CACHE === 'on',
  folder: env.SPEECH_CACHE_FOLDER,
  limits: { maxBytes: env.SPEECH_CACHE_MB * MEBIBYTE, maxAgeMs: env.SPEECH_CACHE_DAYS * DAY_MS },
});
