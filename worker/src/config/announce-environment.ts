import { z } from 'zod';

const address = z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).optional();

/** Where this worker reports its state and its engines. */
export const announceEnvironment = {
  HEARTBEAT_URL: address.describe(
    'Where this worker reports its state, its engines and their voices, such as `https://<site>/api/tts/heartbeat`; signed as callbacks are. Default: nothing is reported, and the page offers its built-in voices.',
  ),
  ENGINES_URL: address.describe(
    'The earlier name of `HEARTBEAT_URL`, with an address that ends in `/engines`; the heartbeat goes to `/heartbeat` beside it.',
  ),
};

type AnnounceEnvironment = z.output<z.ZodObject<typeof announceEnvironment>>;

export interface AnnounceConfig {
  /** Undefined: nothing is reported. */
  readonly heartbeatUrl: string | undefined;
}

export const toAnnounceConfig = (env: AnnounceEnvironment): AnnounceConfig => ({
  heartbeatUrl: env.HEARTBEAT_URL ?? env.ENGINES_URL?.replace(/\/engines(?=\/?(?:[?#]|$))/, '/heartbeat'),
});
