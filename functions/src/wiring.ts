import { randomUUID } from 'node:crypto';
import type { Log } from '@taleback/core';
import type { Firestore } from 'firebase-admin/firestore';
import type { FunctionsConfig } from './config.ts';
import type { DeletionOptions } from './request/deletion.ts';
import { createDeletionStore } from './stories/deletions.node.ts';
import { createOwedEvents } from './events/owed-events.node.ts';
import { createDeadLetters, createEvents, createJobQueue } from './events/pubsub.node.ts';
import { createHeartbeatStore } from './heartbeat/heartbeat-store.node.ts';
import { createCallerLimits } from './http/call.ts';
import type { Mount } from './http/edge.node.ts';
import { createReceiver } from './http/router.ts';
import { createFolderStore } from './stories/folder-store.node.ts';
import { createRecordings, type ObjectStore, type Recordings } from './stories/recordings.ts';
import type { RenewOptions } from './request/renew-audio.ts';
import type { RequestOptions } from './request/request-audio.ts';
import { createRunpodClient } from './runpod/client.ts';
import type { DispatchOptions } from './runpod/dispatch.ts';
import { createUndiciHttp } from './runpod/http.node.ts';
import { createRunpodTurns } from './runpod/turns.node.ts';
import { type AudioPlace, createAudioFinder, publishedAudioPlace } from './sweep/find-audio.ts';
import { createGcsAudioPlace } from './sweep/gcs-audio.node.ts';
import { createS3AudioPlace } from './sweep/s3-audio.node.ts';
import type { SweepOptions } from './sweep/sweep.ts';
import { createFirestoreStories } from './stories/firestore-stories.node.ts';

/** How long a sweep waits for one story: its user may have locked it. Milliseconds. */
const SWEEP_STORY_TIMEOUT_MS = 2_000;

/** Runs once, at the first call: while a deployment is being planned there is no configuration yet. */
export const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

type Bucket = NonNullable<FunctionsConfig['audioBucket']>;

const openBucketPlace = (config: Bucket): AudioPlace & ObjectStore => {
  if (config.kind === 's3') return createS3AudioPlace(config);
  const openBucket = once(async () =>
    (await import('firebase-admin/storage')).getStorage().bucket(config.bucket),
  );
  return createGcsAudioPlace({ ...config, openBucket });
};

/** Where the audio is: in a bucket, or below a public address. Undefined when that is not configured. */
const openAudioPlace = ({ audioBucket, audioBaseUrl }: FunctionsConfig): AudioPlace | undefined => {
  if (audioBucket !== undefined) return openBucketPlace(audioBucket);
  return audioBaseUrl === undefined ? undefined : publishedAudioPlace(audioBaseUrl, createUndiciHttp().probe);
};

/** Everything that the functions of a deployment are made of; each part is made at its first call. */
export const openParts = (config: FunctionsConfig, firestore: Firestore, log: Log) => {
  const { names, secrets, generateSecrets, pendingLeaseMs, processingLeaseMs, autoRetry } = config;
  const { standard, hmac } = secrets;
  const urlSecrets = [...standard, ...hmac];
  const store = { timeoutMs: config.storeTimeoutMs, names };
  const publishing =
    config.events === 'off'
      ? undefined
      : {
          events: createEvents({ names }),
          owed: createOwedEvents(firestore, store),
          limitMs: config.publishLimitMs,
        };
  /** The options of everything that applies messages to stories. */
  const common = {
    stories: createFirestoreStories(firestore, store),
    publishing,
    pendingLeaseMs,
    processingLeaseMs,
    autoRetry,
    log,
    now: Date.now,
  };
  /** Undefined when RunPod is not used. */
  const runpod = once(
    () =>
      config.runpod &&
      createRunpodClient({ ...config.runpod, http: createUndiciHttp().runpod, now: common.now }),
  );
  const { defaultVoice, sharedVoices } = config;
  const heartbeats = once(() => createHeartbeatStore(firestore, { ...store, defaultVoice, sharedVoices }));
  const deletions = once(() => createDeletionStore(firestore, { ...store, now: common.now }));
  const audioPlace = once(() => openAudioPlace(config));
  /** Undefined where nothing is configured for what is private. */
  const hidden = once((): ObjectStore | undefined => {
    const { privateStore } = config;
    if (privateStore === undefined) return undefined;
    return privateStore.kind === 'folder'
      ? createFolderStore(privateStore.folder)
      : openBucketPlace(privateStore);
  });
  const recordings = once((): Recordings | undefined => {
    const place = hidden();
    if (place === undefined || config.privateStore === undefined) return undefined;
    return createRecordings({ store: place, lifetimeMs: config.privateStore.lifetimeMs, now: common.now });
  });
  const requests = once((): RequestOptions => {
    const { limits, callbackUrl } = config;
    return {
      ...common,
      limits,
      defaultVoice,
      sharedVoices,
      callbackUrl,
      recordings: recordings(),
      queue: createJobQueue({ names }),
      newId: randomUUID,
    };
  });

  return {
    common,
    budgets: config.budgets,
    requests,
    heartbeats,
    recordings,
    /** `/api/tts/**`. */
    receiver: once((): Mount & { readonly trustedProxyHops: number } => {
      const confirmWith = config.runpod?.confirmWebhooks ? runpod() : undefined;
      if (generateSecrets.count === 0)
        log('warn', 'GENERATE_SECRETS is not set: /api/tts/generate answers 401');
      const receiver = createReceiver({
        ...common,
        signatures: config.signatures,
        secrets: { standard, hmac },
        generateSecrets: generateSecrets.count === 0 ? undefined : generateSecrets,
        hmacHeaderPrefix: config.hmacHeaderPrefix,
        callerLimits: createCallerLimits(config.callers),
        runpod: runpod(),
        generate: { ...requests(), budget: config.budgets.generate },
        heartbeat: { ...common, keep: heartbeats().keep, deletions: deletions() },
        webhook: config.runpod && { ...common, secrets: urlSecrets, confirmWith },
      });
      return { receiver, trustedProxyHops: config.trustedProxyHops };
    }),
    deletion: once(
      (): DeletionOptions => ({
        ...common,
        deletions: deletions(),
        narrations: config.audioBucket && openBucketPlace(config.audioBucket),
        hidden: hidden(),
        runpod: runpod(),
      }),
    ),
    renewal: once((): RenewOptions => ({ ...common, audioUrlOf: audioPlace()?.urlOf })),
    /** Undefined where workers pull jobs from the topic themselves. */
    dispatch: once((): DispatchOptions | undefined => {
      const client = runpod();
      const [urlSecret] = urlSecrets;
      if (config.dispatchTarget !== 'runpod' || !config.runpod || !client || urlSecret === undefined)
        return undefined;
      const order = { ...config.runpod, webhookUrl: config.webhookUrl, urlSecret };
      const turns = {
        ...store,
        mostJobs: config.runpod.jobsPerUser,
        leaseMs: pendingLeaseMs,
        now: common.now,
      };
      const takeTurn = createRunpodTurns(firestore, turns);
      const deadLetters = createDeadLetters({ names });
      return { ...common, runpod: client, deadLetters, takeTurn, order, recordings: recordings() };
    }),
    sweep: once((): SweepOptions => {
      const audio = audioPlace();
      const findAudio = audio && createAudioFinder(audio);
      const quick = createFirestoreStories(firestore, { ...store, timeoutMs: SWEEP_STORY_TIMEOUT_MS });
      const { listOverdue, listNextInRound } = common.stories;
      return {
        ...common,
        stories: { ...quick, listOverdue, listNextInRound },
        runpod: runpod(),
        findAudio,
        requests: { ...requests(), stories: quick },
      };
    }),
  };
};
