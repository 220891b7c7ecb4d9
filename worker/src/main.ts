import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@taleback/resilience';
import { pino } from 'pino';
import { openAudioServer } from './adapters/audio-server.ts';
import { createFolderAudioStore } from './adapters/folder-audio-store.ts';
import { openHealthServer } from './adapters/health-server.ts';
import { createJobSource } from './adapters/job-source.ts';
import { createMp3ThreadEncoder } from './audio/index.ts';
import { parseConfig, readEnvironment, type WorkerConfig } from './config.ts';
import { createHandler } from './handler/index.ts';
import { narrateWithFallbacks, voicesFor } from './manager/index.ts';
import { decideLiveness, decideReadiness, installProcessFaults, type Log } from './observe/index.ts';
import { openCallbacks } from './open-callbacks.ts';
import { openSpeech } from './open-speech.ts';
import { onSupervisorGone } from './supervise/index.ts';

/** Seed 002 has a pair: the wished voice, and one more. */
const MOST_VOICES = 2;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What a stop takes beyond the draining of jobs: speech processes, connections. */
const CLOSING_MS = 5_000;

const built = (file: string): URL => new URL(`./${file}`, import.meta.url);

const logTo = (level: WorkerConfig['logLevel'], workerId: string): Log => {
  const logger = pino({ level, base: { workerId } }, pino.destination({ dest: 2, sync: true }));
  return (severity, message, fields = {}) => logger[severity](fields, message);
};

/** Runs the worker until a stop signal, then finishes what is under way. */
const runWorker = async (): Promise<void> => {
  const environment = readEnvironment();
  const config = parseConfig(environment);
  const workerId = config.workerId ?? `${hostname()}-${process.pid}`;
  const log = logTo(config.logLevel, workerId);

  await mkdir(config.audio.folder, { recursive: true });
  const callbacks = await openCallbacks({
    config: config.callbacks,
    secrets: config.secrets,
    audioFolder: config.audio.folder,
    log,
  });
  const speech = await openSpeech({
    speech: config.speech,
    protection: config.protection,
    childFile: fileURLToPath(built('flite-child.js')),
    threadFile: built('flite-thread.js'),
    environment,
    outbox: callbacks.status,
    log,
  });
  const { manager, metrics } = speech;
  const encoder = createMp3ThreadEncoder({ threadFile: built('mp3-thread.js') });
  const audioServer = await openAudioServer(config.audio);
  const healthServer = await openHealthServer({
    ...config.health,
    liveness: () => decideLiveness(manager.picture().phase, config.drainMs, systemClock.now()),
    readiness: () => decideReadiness(manager.picture()),
    status: () => ({ ...manager.getStatus(), outbox: callbacks.status() }),
    metrics,
    log,
  });
  const handler = createHandler({
    narrate: narrateWithFallbacks(
      [
        {
          engine: manager.engine.name,
          narrate: manager.narrator(encoder),
          voicesFor: voicesFor(manager.engine, MOST_VOICES),
        },
      ],
      log,
    ),
    store: createFolderAudioStore(config.audio.folder, config.audio.baseUrl ?? audioServer.url),
    callbacks: callbacks.client,
    limits: config.limits,
    workerId,
    log,
    now: Date.now,
    newId: randomUUID,
  });
  const source = createJobSource({ config, environment, picture: () => manager.picture(), log });

  let stopped: Promise<void> | undefined;
  const stop = (cause: string): Promise<void> => {
    stopped ??= (async () => {
      log('info', 'worker stopping', { cause });
      manager.announceStop();
      await source.drain(config.drainMs);
      await Promise.all([callbacks.close(), speech.close()]);
      await Promise.all([encoder.close(), audioServer.close()]);
      await healthServer.close();
      log('info', 'worker stopped');
    })();
    return stopped;
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => void stop(signal));
  onSupervisorGone(() => void stop('the supervisor is gone'));
  installProcessFaults({
    process,
    log,
    record: (event) => manager.record(event),
    drain: () => stop('a fault that nobody caught'),
    drainMs: config.drainMs + CLOSING_MS,
    clock: systemClock,
  });

  try {
    await manager.initialize();
  } catch (error) {
    if (stopped === undefined) throw error;
  }
  if (stopped !== undefined) return stopped;
  await source.start(handler);
  // Stopped meanwhile: it was never ready.
  if (stopped !== undefined) return stopped;
  log('info', 'worker ready', {
    audioUrl: audioServer.url,
    healthUrl: healthServer.url,
    source: config.source.kind,
    ...(config.source.kind === 'pubsub' ? { subscription: config.subscription } : {}),
  });
};

await runWorker();
