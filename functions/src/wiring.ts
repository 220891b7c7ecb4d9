import { randomUUID } from 'node:crypto';
import type { Log } from '@taleback/core';
import type { Firestore } from 'firebase-admin/firestore';
import type { FunctionsConfig } from './config.ts';
import { createOwedEvents } from './events/owed-events.node.ts';
import type { PublishOwedOptions } from './events/publish-owed.ts';
import { createDeadLetters, createEvents, createJobQueue } from './events/pubsub.node.ts';
import { createHeartbeatStore, type HeartbeatStore } from './heartbeat/heartbeat-store.node.ts';
import { createCallerLimits } from './http/call.ts';
import type { Mount } from './http/edge.node.ts';
import { createReceiver } from './http/router.ts';
import type { RenewOptions } from './request/renew-audio.ts';
import type { RequestOptions } from './request/request-audio.ts';
import { createRunpodClient, type RunpodClient } from './runpod/client.ts';
import type { DispatchOptions } from './runpod/dispatch.ts';
import { createUndiciHttp } from './runpod/http.node.ts';
import { type AudioPlace, createAudioFinder, publishedAudioPlace } from './sweep/find-audio.ts';
import { createGcsAudioPlace } from './sweep/gcs-audio.node.ts';
import { createS3AudioPlace } from './sweep/s3-audio.node.ts';
import type { SweepOptions } from './sweep/sweep.ts';
import { createFirestoreStories } from './stories/firestore-stories.node.ts';

/** Runs once, at the first call: while a deployment is being planned there is no configuration yet. */
export const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** What every function of a deployment uses. */
export type Base = ReturnType<typeof openBase>;

export const openBase = (config: FunctionsConfig, firestore: Firestore, log: Log) => {
  const store = { timeoutMs: config.storeTimeoutMs, names: config.names };
  const { pendingLeaseMs, processingLeaseMs, autoRetry } = config;
  return {
    config,
    firestore,
    store,
    /** The options of everything that applies messages to stories. */
    common: {
      stories: createFirestoreStories(firestore, store),
      publishing:
        config.events === 'off'
          ? undefined
          : { events: createEvents({ names: config.names }), owed: createOwedEvents(firestore, store) },
      pendingLeaseMs,
      processingLeaseMs,
      autoRetry,
      log,
      now: Date.now,
    },
  };
};

export const openRequests = ({ config, common }: Base): RequestOptions => ({
  ...common,
  limits: config.limits,
  defaultVoice: config.defaultVoice,
  callbackUrl: config.callbackUrl,
  queue: createJobQueue({ names: config.names }),
  newId: randomUUID,
});

/** Undefined when RunPod is not used. */
const openRunpod = ({ config, common }: Base): RunpodClient | undefined =>
  config.runpod && createRunpodClient({ ...config.runpod, http: createUndiciHttp().runpod, now: common.now });

const secretsOfUrls = ({ config: { secrets } }: Base): (string | Uint8Array)[] => [
  ...secrets.standard,
  ...secrets.hmac,
];

export const openHeartbeats = ({ firestore, store }: Base): HeartbeatStore =>
  createHeartbeatStore(firestore, store);

/** `/api/tts/**`. */
export const openReceiver = (base: Base): Mount & { readonly trustedProxyHops: number } => {
  const { config, common } = base;
  const runpod = openRunpod(base);
  const receiver = createReceiver({
    ...common,
    signatures: config.signatures,
    secrets: { standard: config.secrets.standard, hmac: config.secrets.hmac },
    hmacHeaderPrefix: config.hmacHeaderPrefix,
    callerLimits: createCallerLimits(config.callers),
    generate: openRequests(base),
    heartbeat: { ...common, keep: openHeartbeats(base).keep },
    webhook: runpod && {
      ...common,
      secrets: secretsOfUrls(base),
      confirmWith: config.runpod?.confirmWebhooks ? runpod : undefined,
    },
  });
  return { receiver, trustedProxyHops: config.trustedProxyHops };
};

/** Where the audio is: in a bucket, or below a public address. Undefined when that is not configured. */
const openAudioPlace = ({ config: { audioBucket, audioBaseUrl } }: Base): AudioPlace | undefined => {
  switch (audioBucket?.kind) {
    case 's3':
      return createS3AudioPlace(audioBucket);
    case 'gcs': {
      const openBucket = once(async () =>
        (await import('firebase-admin/storage')).getStorage().bucket(audioBucket.bucket),
      );
      return createGcsAudioPlace({ ...audioBucket, openBucket });
    }
    default:
      return audioBaseUrl === undefined
        ? undefined
        : publishedAudioPlace(audioBaseUrl, createUndiciHttp().probe);
  }
};

export const openRenewal = (base: Base): RenewOptions => ({
  ...base.common,
  audioUrlOf: openAudioPlace(base)?.urlOf,
});

/** Undefined where workers pull jobs from the topic themselves. */
export const openDispatch = (base: Base): DispatchOptions | undefined => {
  const { config, common } = base;
  const runpod = openRunpod(base);
  const [urlSecret] = secretsOfUrls(base);
  if (config.dispatchTarget !== 'runpod' || !config.runpod || !runpod || urlSecret === undefined)
    return undefined;
  return {
    ...common,
    runpod,
    deadLetters: createDeadLetters({ names: config.names }),
    order: { ...config.runpod, webhookUrl: config.webhookUrl, urlSecret },
  };
};

export const openSweep = (base: Base): SweepOptions => {
  const audio = openAudioPlace(base);
  return {
    ...base.common,
    runpod: openRunpod(base),
    findAudio: audio && createAudioFinder(audio),
    requests: openRequests(base),
  };
};

/** Undefined where events are off. */
export const openOwedEvents = ({ common }: Base): PublishOwedOptions | undefined =>
  common.publishing && { ...common, ...common.publishing };
