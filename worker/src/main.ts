import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pino } from 'pino';
import { openAudioServer } from './adapters/audio-server.ts';
import { createFolderAudioStore } from './adapters/folder-audio-store.ts';
import { createPubsubSource } from './adapters/pubsub-source.ts';
import { createUndiciPost } from './adapters/undici-post.ts';
import { createCallbackClient } from './callbacks/index.ts';
import { parseConfig, readEnvironment, type WorkerConfig } from './config.ts';
import { createHandler } from './handler/index.ts';
import { openNarrator } from './manager/index.ts';
import type { Log } from './observe/index.ts';

/** Five tries within about fifteen seconds: a receiver that restarts is back by then (seed 000: 1, 2, 4 s). */
const CALLBACK_RETRY = {
  maxAttempts: 5,
  backoff: { kind: 'exponential', initialMs: 1_000, maxMs: 8_000, jitter: 'equal' },
} as const;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const logTo = (level: WorkerConfig['logLevel'], workerId: string): Log => {
  const logger = pino({ level, base: { workerId } }, pino.destination({ dest: 2, sync: true }));
  return (severity, message, fields = {}) => logger[severity](fields, message);
};

/** Runs the worker until a stop signal, then finishes what is under way. */
const runWorker = async (): Promise<void> => {
  const config = parseConfig(readEnvironment());
  const workerId = config.workerId ?? `${hostname()}-${process.pid}`;
  const log = logTo(config.logLevel, workerId);

  await mkdir(config.audio.folder, { recursive: true });
  const audioServer = await openAudioServer(config.audio);
  const narrator = await openNarrator({
    speechThreadFile: new URL('./flite-thread.js', import.meta.url),
    mp3ThreadFile: new URL('./mp3-thread.js', import.meta.url),
    poolSize: config.speechThreads,
    chunkTimeoutMs: config.chunkTimeoutMs,
  });
  const poster = createUndiciPost();
  const handler = createHandler({
    narrate: narrator.narrate,
    store: createFolderAudioStore(config.audio.folder, config.audio.baseUrl ?? audioServer.url),
    callbacks: createCallbackClient({
      post: poster.post,
      secrets: config.secrets.keys,
      retry: CALLBACK_RETRY,
      log,
      now: Date.now,
    }),
    limits: config.limits,
    workerId,
    log,
    now: Date.now,
    newId: randomUUID,
  });
  const source = createPubsubSource({ ...config, log });

  let isStopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log('info', 'worker stopping', { signal });
    await source.drain(config.drainMs);
    await narrator.close();
    await poster.close();
    await audioServer.close();
    log('info', 'worker stopped');
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => void stop(signal));

  await source.start(handler);
  log('info', 'worker ready', { audioUrl: audioServer.url, subscription: config.subscription });
};

await runWorker();
