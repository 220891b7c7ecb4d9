import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemClock } from '@taleback/resilience';
import { pino } from 'pino';
import { type AudioServer, type AudioServerOptions, openAudioServer } from './storage/audio-server.node.ts';
import { openHealthServer } from './health/health-server.node.ts';
import { createJobSource } from './jobs/open-job-source.ts';
import { createMp3ThreadEncoder } from '@taleback/speech/src/audio/mp3-encoder.node.ts';
import { expectNoCloudBesideEmulator, parseConfig, readEnvironment, type WorkerConfig } from './config.ts';
import { createHandler } from '@taleback/handler/src/index.ts';
import { decideLiveness } from './health/liveness.ts';
import { installProcessFaults } from './health/process-faults.ts';
import type { Log } from '@taleback/core';
import { openAnnouncer } from './open-announcer.ts';
import { openCache } from './open-cache.ts';
import { openCallbacks } from './open-callbacks.ts';
import { openPreflight } from './open-preflight.ts';
import { openSpeech } from './open-speech.ts';
import { openStorage } from './open-storage.ts';

/** Of the narrations. 64 kbit/s is transparent for one voice of 16 kHz; 8 KB a second. */
const BITRATE_KBPS = 64;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What a stop takes beyond the draining of jobs: speech processes, connections. */
const CLOSING_MS = 5_000;

const logTo = (level: WorkerConfig['logLevel'], workerId: string): Log => {
  const logger = pino({ level, base: { workerId } }, pino.destination({ dest: 2, sync: true }));
  return (severity, message, fields = {}) => logger[severity](fields, message);
};

/** The folder of the narrations, made when it is missing, and its server. */
const openAudio = async (options: AudioServerOptions): Promise<AudioServer> => {
  await mkdir(options.folder, { recursive: true });
  return openAudioServer(options);
};

/** Runs the worker until a stop signal, then finishes what is under way. */
const runWorker = async (): Promise<void> => {
  expectNoCloudBesideEmulator();
  const environment = readEnvironment();
  const config = parseConfig(environment);
  const workerId = config.workerId ?? `${hostname()}-${process.pid}`;
  const log = logTo(config.logLevel, workerId);

  const audioServer = config.storage.kind === 'folder' ? await openAudio(config.audio) : undefined;
  const storage = await openStorage({ config: config.storage, folderUrl: audioServer?.url ?? '' });
  const callbacks = await openCallbacks({
    config: config.callbacks,
    secrets: config.secrets,
    records: storage.records,
    log,
  });
  const speech = await openSpeech({
    engines: config.engines,
    speech: config.speech,
    protection: config.protection,
    environment,
    outbox: callbacks.status,
    cacheStatus: () => cache.status(),
    log,
  });
  const { chain, metrics } = speech;
  const encoder = createMp3ThreadEncoder({ bitrateKbps: BITRATE_KBPS });
  const cache = await openCache({
    config: config.cache,
    versionOf: speech.versionOf,
    encoder: `mp3 ${BITRATE_KBPS} kbit/s`,
    log,
  });
  const healthServer = await openHealthServer({
    ...config.health,
    liveness: () => decideLiveness(chain.snapshot().phase, config.drainMs, systemClock.now()),
    readiness: () => chain.readiness(),
    status: () => ({
      ...chain.getStatus(),
      outbox: callbacks.status(),
      cache: cache.status(),
      diagnoses: speech.diagnosis.all(),
    }),
    resetBreakers: (name) => chain.resetBreakers(name),
    metrics,
    log,
  });
  const narrate = chain.narrator(encoder, cache.around);
  const handler = createHandler({
    preflight: openPreflight(config, chain, (key, asked) => storage.audio.read(key, asked)),
    narrate: ({ recording, ...request }, options) => narrate({ ...request, profile: recording }, options),
    store: (audio) => storage.audio.put(audio),
    callbacks: callbacks.client,
    workerId,
    diagnoses: () => speech.diagnosis.recent(),
    log,
    now: Date.now,
    newId: randomUUID,
  });
  const announcer = openAnnouncer({
    heartbeatUrl: config.announce.heartbeatUrl,
    config: config.callbacks,
    secrets: config.secrets,
    workerId,
    chain,
    log,
  });
  const source = createJobSource({ config, environment, picture: () => chain.snapshot(), log });

  let stopped: Promise<void> | undefined;
  const stop = (cause: string): Promise<void> => {
    stopped ??= (async () => {
      log('info', 'worker stopping', { cause });
      chain.announceStop();
      const told = announcer.close();
      await source.drain(config.drainMs);
      await Promise.all([told, callbacks.close(), speech.close()]);
      await Promise.all([encoder.close(), cache.close(), storage.close(), audioServer?.close()]);
      await healthServer.close();
      log('info', 'worker stopped');
    })();
    return stopped;
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => void stop(signal));
  // Who started this worker with a channel is gone, however it went; the channel itself keeps nothing alive.
  process.once('disconnect', () => void stop('the parent process is gone'));
  process.channel?.unref();
  installProcessFaults({
    process,
    log,
    record: (event) => chain.record(event),
    drain: () => stop('a fault that nobody caught'),
    drainMs: config.drainMs + CLOSING_MS,
    clock: systemClock,
  });

  try {
    await chain.initialize();
  } catch (error) {
    if (stopped === undefined) throw error;
  }
  if (stopped !== undefined) return stopped;
  await source.start(handler);
  announcer.start();
  // Stopped meanwhile: it was never ready.
  if (stopped !== undefined) return stopped;
  log('info', 'worker ready', {
    audioUrl: audioServer?.url,
    healthUrl: healthServer.url,
    source: config.source.kind,
    ...(config.source.kind === 'pubsub' ? { subscription: config.subscription } : {}),
  });
};

await runWorker();
