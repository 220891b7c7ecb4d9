import { randomUUID } from 'node:crypto';
import { errorWords, type Log, saysStoryDeleted } from '@taleback/core';
import { recordKey } from '@taleback/core/storage';
import { createHandler, type Handler, type PreflightOptions } from '@taleback/handler';
import {
  callbackSubstitute,
  createCallbackClient,
  createHttpPost,
  createOutboxClient,
  createSendOnce,
  type DeadLetter,
  FAILED_CALLBACKS,
  formatDeadLetter,
  Outbox,
  type OutboxStatus,
  OutboxStore,
  removeOldAside,
} from '@taleback/outbox';
import { systemClock } from '@taleback/resilience';
import {
  createMp3ThreadEncoder,
  loadVoiceProfile,
  SPEED_RANGE,
  spokenLength,
  type TtsManager,
  type VoiceProfile,
} from '@taleback/speech';
import { type Readiness, readDiskSpace } from '@taleback/speech/operations';
import packageJson from '../package.json' with { type: 'json' };
import { signingOf, type WorkerConfig } from './config.ts';
import { decideLiveness, openHealthServer } from './health/health-server.node.ts';
import { createPrometheus } from './health/prometheus.ts';
import { createStoryFigures } from './health/story-figures.ts';
import { openWorkerToken } from './health/worker-token.node.ts';
import { readinessWith } from './health/stream.ts';
import { type Deletions, MAX_ANSWER_CHARACTERS, openDeletions } from './heartbeat/deletions.node.ts';
import { type Heartbeats, startHeartbeats } from './heartbeat/heartbeats.ts';
import { type CapacityInput, type JobSource, storyCapacity } from './jobs/job-source.ts';
import { requireListening, requirePlaces } from './required-places.node.ts';
import { openCache, openSpeech } from './speech.ts';
import { type AudioServer, openAudioServer } from './storage/folder.node.ts';
import { startExpiry } from './storage/expiry.ts';
import type { Library } from './storage/library.ts';
import { openStores, type Stores } from './storage/open-storage.ts';

/** Of the narrations. 64 kbit/s is transparent for one voice of 16 kHz; 8 KB a second. */
const BITRATE_KBPS = 64;
/** Five tries within about fifteen seconds: a receiver that restarts is back by then. @see docs/origins.md#retries */
const DIRECT_RETRY = {
  maxAttempts: 5,
  backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 8_000, jitter: 'equal' },
} as const;

/**
 * The callbacks of a worker: signed, kept in the outbox, and sent from it as soon as it is open.
 *
 * @param stores where callbacks that were given up are kept, and where the audio of deleted stories is removed
 */
export const openCallbacks = async (
  { callbacks: config, secrets }: Pick<WorkerConfig, 'callbacks' | 'secrets'>,
  stores: Pick<Library, 'keep'> & Partial<Pick<Library, 'removeAudio'>>,
  log: Log,
) => {
  const clock = systemClock;
  const http = createHttpPost(config);
  const sending = { post: http.post, ...signingOf(config, secrets), now: Date.now };
  const keepDeadLetter = async (letter: DeadLetter): Promise<void> => {
    const body = JSON.parse(letter.message.body) as { story_id?: unknown; storage_path?: unknown };
    const { story_id: storyId, storage_path: audio } = body;
    const { delivery } = letter;
    if (delivery.kind === 'refused' && saysStoryDeleted(delivery.excerpt)) return stores.removeAudio?.(audio);
    const key = recordKey(FAILED_CALLBACKS, String(storyId), letter.createdMs);
    await stores.keep(key, formatDeadLetter(letter));
  };
  const outbox = new Outbox({
    store: new OutboxStore(config.outbox.folder, log),
    send: createSendOnce(sending),
    substituteFor: callbackSubstitute,
    keepDeadLetter,
    policy: config.outbox.policy,
    clock,
    random: Math.random,
    log,
  });
  const direct = createCallbackClient({ ...sending, retry: DIRECT_RETRY, log });
  await outbox.open();
  return {
    client: createOutboxClient({ outbox, direct, keepDeadLetter, clock, log }),
    status: (): OutboxStatus => outbox.status(),
    /** Waits a few seconds for what was written a moment ago; the rest stays on the disk. */
    close: async (): Promise<void> => {
      await outbox.close();
      await http.close();
    },
  };
};

export type OpenCallbacks = Awaited<ReturnType<typeof openCallbacks>>;

/** What is checked before a job costs anything. */
const preflightOf = (
  { storage, callbacks, limits }: WorkerConfig,
  manager: TtsManager,
  { readRecording }: Stores,
): PreflightOptions<VoiceProfile> => {
  // Sound is in the cache while it is made, and a callback in the outbox at the end.
  const folder = storage.kind === 'folder' ? storage.folder : callbacks.outbox.folder;
  return {
    // The manager knows which languages can be spoken: a service may report more when it is asked.
    limits: { ...limits, languages: undefined },
    speedRange: SPEED_RANGE,
    spokenLength,
    readRecording: (source, signal) => loadVoiceProfile(source, { read: readRecording, signal }),
    requireEngine: ({ recording, ...need }) => void manager.ableEngines({ ...need, profile: recording }),
    freeBytes: async () => (await readDiskSpace(folder)).freeBytes,
  };
};

/** Reports the state of this worker and its engines from `start` on, if an address is configured. */
const openHeartbeats = (
  { heartbeatUrl: url, callbacks, secrets, concurrency }: WorkerConfig,
  manager: TtsManager,
  readiness: () => Readiness,
  deletions: Deletions,
  workerId: string,
  log: Log,
) => {
  // The operator names this address: it may be a private one.
  const http = createHttpPost({ ...callbacks, allowPrivate: true, excerptCharacters: MAX_ANSWER_CHARACTERS });
  const startedAtMs = Date.now();
  const snapshot = () => {
    const { pool } = manager.snapshot();
    return {
      engines: manager.engines(),
      version: packageJson.version,
      state: readiness().state,
      capacity: concurrency,
      queueDepth: pool?.queueDepth,
      inFlight: pool?.inFlight,
      startedAtMs,
      deletionsAfter: deletions.after(),
    };
  };
  const sendOnce = createSendOnce({ post: http.post, ...signingOf(callbacks, secrets), now: Date.now });
  const options = { workerId, snapshot, sendOnce, onAnswer: deletions.receive, log };
  let heartbeats: Heartbeats | undefined;
  return {
    start: (): void => {
      if (url === undefined) return;
      heartbeats ??= startHeartbeats({ ...options, url, clock: systemClock });
    },
    /** Empty before the start, and where nothing is reported. */
    streams: () => (heartbeats === undefined ? {} : { heartbeat: heartbeats.health() }),
    close: async (): Promise<void> => {
      await heartbeats?.close();
      await Promise.all([deletions.close(), http.close()]);
    },
  };
};

/** The source of jobs that the configuration names; only its client libraries are loaded. */
const openJobSource = async (
  config: WorkerConfig,
  { speech, stores }: { readonly speech: () => CapacityInput; readonly stores: Stores },
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<JobSource> => {
  const { source, concurrency } = config;
  if (source.kind === 'pubsub') {
    const { createPubsubSource } = await import('./jobs/pubsub.node.ts');
    return createPubsubSource({ ...config, clock: systemClock, random: Math.random, log });
  }
  const { createRunpodDevSource, createRunpodSource } = await import('./jobs/runpod.node.ts');
  if (source.kind === 'runpod')
    return createRunpodSource({
      env: environment,
      outboxFolder: source.runpodOutboxFolder,
      concurrency: () => storyCapacity(speech(), concurrency),
      keepable: stores.keepable,
      log,
    });
  const { apiKey, ...runpodDev } = source.runpodDev;
  return createRunpodDevSource({ ...runpodDev, apiKey: apiKey?.text, concurrency, log });
};

/** Builds everything of a worker; no engine is started and no job taken yet. */
export const openWorker = async (
  config: WorkerConfig,
  environment: Readonly<Record<string, string | undefined>>,
  workerId: string,
  log: Log,
) => {
  requirePlaces(config);
  let audioServer: AudioServer | undefined;
  if (config.storage.kind === 'folder')
    audioServer = await requireListening('AUDIO_HOST, AUDIO_PORT', openAudioServer(config.audio));
  const stores = await openStores(config, { folderUrl: audioServer?.url ?? '' });
  const callbacks = await openCallbacks(config, stores.letters, log);
  const expiry = startExpiry({
    stores,
    recordingLifetimeMs: config.recordingLifetimeMs,
    removeOldAside: async (nowMs) => {
      await removeOldAside(config.callbacks.outbox.folder, nowMs);
      if (config.source.kind === 'runpod') await removeOldAside(config.source.runpodOutboxFolder, nowMs);
    },
    clock: systemClock,
    log,
  });

  const metrics = createPrometheus();
  const stories = createStoryFigures(systemClock);
  const speech = await openSpeech({ ...config, environment, listeners: [metrics.record], log });
  const { manager, diagnosis, versionOf } = speech;
  const encoder = createMp3ThreadEncoder({ bitrateKbps: BITRATE_KBPS });
  const cache = await openCache({
    config: config.cache,
    versionOf,
    encoder: `mp3 ${BITRATE_KBPS} kbit/s`,
    log,
  });

  const source = await openJobSource(config, { speech: () => manager.snapshot(), stores }, environment, log);
  const readiness = () => readinessWith(manager.readiness(), source.health());
  const deletions = openDeletions(config, { removeOf: cache.removeOf, nowMs: Date.now(), log });
  const heartbeats = openHeartbeats(config, manager, readiness, deletions, workerId, log);
  const streams = () => ({ jobs: source.health(), ...heartbeats.streams() });

  const openingHealth = openHealthServer({
    ...config.health,
    liveness: () => decideLiveness(manager.snapshot().phase, config.drainMs, systemClock.now()),
    readiness,
    status: () => ({
      ...manager.getStatus(),
      stories: stories.figures(),
      streams: streams(),
      outbox: callbacks.status(),
      cache: cache.status(),
      diagnoses: diagnosis.all(),
    }),
    resetBreakers: (name) => manager.resetBreakers(name),
    testServices: (name) => manager.testServices(name),
    token: await openWorkerToken(config.callbacks.outbox.folder).catch((error: unknown) => {
      log('warn', 'no token: breakers can be neither reset nor tested', { reason: errorWords(error) });
      return undefined;
    }),
    metrics: {
      contentType: metrics.contentType,
      text: () =>
        metrics.text({
          ...manager.snapshot(),
          readiness: readiness(),
          stories: stories.figures(),
          streams: streams(),
          outbox: callbacks.status(),
          cache: cache.status(),
        }),
    },
    log,
  });
  const health = await requireListening('HEALTH_HOST, HEALTH_PORT', openingHealth);

  const narrate = manager.narrator(encoder, cache.around);
  const handle = createHandler({
    preflight: preflightOf(config, manager, stores),
    narrate: ({ recording, ...request }, options) => narrate({ ...request, profile: recording }, options),
    store: (audio) => stores.narrations.put(audio),
    callbacks: callbacks.client,
    workerId,
    diagnoses: () => diagnosis.recent(),
    log,
    now: Date.now,
    newId: randomUUID,
  });
  const handler: Handler = async (event, signal) => {
    const result = await handle(event, signal);
    stories.count(result);
    return result;
  };

  return {
    manager,
    source,
    handler,
    heartbeats,
    /** Undefined for a bucket. */
    audioUrl: audioServer?.url,
    healthUrl: health.url,
    /** Finishes the jobs under way, or gives them back after the drain time, and closes everything. */
    close: async (): Promise<void> => {
      manager.announceStop();
      const reported = heartbeats.close();
      await source.drain(config.drainMs);
      await Promise.all([reported, callbacks.close(), speech.close(), expiry.close()]);
      await Promise.all([encoder.close(), cache.close(), stores.close(), audioServer?.close()]);
      await health.close();
    },
  };
};
