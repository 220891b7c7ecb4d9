import { systemClock } from '@taleback/resilience';
import { createUndiciPost } from '@taleback/outbox/src/undici-post.node.ts';
import { createEngineAnnouncer } from './heartbeat/index.ts';
import { createSendOnce } from '@taleback/outbox/src/callbacks-index.ts';
import { type CallbacksConfig, type SigningSecrets, signingOf } from './config/callbacks-environment.ts';
import type { Log } from '@taleback/speech/src/status/index.ts';
import type { SpeechChain } from '@taleback/speech/src/chain/speech-index.ts';

export interface AnnouncerOptions {
  /** Undefined: nobody is told. */
  readonly enginesUrl: string | undefined;
  readonly config: CallbacksConfig;
  readonly secrets: SigningSecrets;
  readonly workerId: string;
  readonly chain: SpeechChain;
  readonly log: Log;
}

export interface OpenAnnouncer {
  readonly start: () => void;
  /** Says once that the worker stops. */
  readonly close: () => Promise<void>;
}

/** Tells the receiver of this worker's engines, when it is said where. */
export const openAnnouncer = (options: AnnouncerOptions): OpenAnnouncer => {
  const { enginesUrl, config, secrets, workerId, chain, log } = options;
  if (enginesUrl === undefined) return { start: () => {}, close: () => Promise.resolve() };
  // The operator names this address: it may well be a private one.
  const poster = createUndiciPost({ allowPrivate: true });
  const startedAtMs = Date.now();
  const announcer = createEngineAnnouncer({
    url: enginesUrl,
    workerId,
    picture: () => {
      const pool = chain.pool();
      return {
        engines: chain.engines(),
        state: chain.readiness().state,
        queueDepth: pool?.queueDepth,
        inFlight: pool?.inFlight,
        startedAtMs,
      };
    },
    sendOnce: createSendOnce({ post: poster.post, ...signingOf(config, secrets), now: Date.now }),
    clock: systemClock,
    log,
  });
  return {
    start: () => announcer.start(),
    close: async () => {
      await announcer.close();
      await poster.close();
    },
  };
};
