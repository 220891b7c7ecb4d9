import { z } from 'zod';

/** Where the receiver hears of this worker's engines. */
export const announceEnvironment = {
  ENGINES_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .optional()
    .describe(
      'Where this worker tells its engines, their voices and their health, such as `https://<site>/api/tts/engines`; signed as callbacks are. Default: nobody is told, and the page offers the voices that it knows by itself.',
    ),
};

type AnnounceEnvironment = z.output<z.ZodObject<typeof announceEnvironment>>;

export interface AnnounceConfig {
  /** Undefined: nobody is told. */
  readonly enginesUrl: string | undefined;
}

export const toAnnounceConfig = (env: AnnounceEnvironment): AnnounceConfig => ({
  enginesUrl: env.ENGINES_URL,
});
