import { systemClock } from '@taleback/resilience';
import { createHttpPost, createSendOnce } from '@taleback/outbox';
import { type Heartbeats, startHeartbeats } from './heartbeat/send-heartbeats.ts';
import { type CallbacksConfig, type SigningSecrets, signingOf } from './config/callbacks-environment.ts';
import type { Log } from '@taleback/core';
import type { TtsManager } from '@taleback/speech/src/chain/tts-manager.ts';

export interface AnnouncerOptions {
  /** Undefined: nothing is reported. */
  readonly heartbeatUrl: string | undefined;
  readonly config: CallbacksConfig;
  readonly secrets: SigningSecrets;
  readonly workerId: string;
  readonly chain: TtsManager;
  readonly log: Log;
}

export interface OpenAnnouncer {
  readonly start: () => void;
  /** Says once that the worker stops. */
  readonly close: () => Promise<void>;
}

/** Reports the state of this worker and its engines, if an address is configured. */
export const openAnnouncer = (options: AnnouncerOptions): OpenAnnouncer => {
  const { heartbeatUrl, config, secrets, workerId, chain, log } = options;
  if (heartbeatUrl === undefined) return { start: () => {}, close: () => Promise.resolve() };
  // The operator names this address: it may well be a private one.
  const poster = createHttpPost({ allowPrivate: true });
  const startedAtMs = Date.now();
  const start = () =>
    startHeartbeats({
      url: heartbeatUrl,
      workerId,
      snapshot: () => {
        const { pool } = chain.snapshot();
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
  let heartbeats: Heartbeats | undefined;
  return {
    start: () => {
      heartbeats = start();
    },
    close: async () => {
      await heartbeats?.close();
      await poster.close();
    },
  };
};
