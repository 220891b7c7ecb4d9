#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type CheckWish,
  type CliPorts,
  type OpenedSpeech,
  processTerminal,
  runCli,
  type SpeechWish,
} from './index.ts';
import type { EngineName } from '@taleback/speech/src/engines/engine-settings.ts';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { EngineUnderTest } from '@taleback/speech/src/diagnosis/index.ts';
import type { Log } from '@taleback/core';
import { STOP_GRACE_MS } from '@taleback/worker/src/health/liveness.ts';

// Everything but the command line itself is loaded by the command that needs it: `taleback --help` has to be quick.

/** Only what speaks against the run: a command tells the rest in its own words. */
const log: Log = (severity, message, fields) => {
  if (severity === 'error') process.stderr.write(`${message} ${JSON.stringify(fields ?? {})}\n`);
};

/** @param signal ends the processes of engines that are still starting when it aborts */
const openSpeechFor = async ({ config }: SpeechWish, signal?: AbortSignal): Promise<OpenedSpeech> => {
  const { openSpeech } = await import('@taleback/worker/src/open-speech.ts');
  const { readEnvironment } = await import('@taleback/worker/src/config.ts');
  const { chain, close } = await openSpeech({ ...config, environment: readEnvironment(), log });
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => (closed ??= close());
  const leave = (): void => void closeOnce().catch(() => {});
  signal?.addEventListener('abort', leave, { once: true });
  try {
    signal?.throwIfAborted();
    await chain.initialize();
  } catch (error) {
    await closeOnce();
    throw error;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
  return { narrate: (encoder) => chain.narrator(encoder), close: closeOnce };
};

const NEVER = { warning: Number.POSITIVE_INFINITY, critical: Number.POSITIVE_INFINITY };

/** An engine of this machine is asked by having it speak. */
const speakOnce = async (
  config: WorkerConfig,
  name: EngineName,
  language: string,
  signal: AbortSignal,
): Promise<void> => {
  const engines = { ...config.engines, names: [name] as const };
  // How busy the machine is, is another check's business.
  const options = { ...config.protection.options, thresholds: { cpu: NEVER, memory: NEVER, load: NEVER } };
  const protection = { ...config.protection, options };
  const speech = await openSpeechFor({ config: { ...config, engines, protection } }, signal);
  try {
    const { createWavEncoder } = await import('@taleback/speech/src/audio/index.ts');
    await speech.narrate(createWavEncoder())({ text: 'Ready to read.', language }, { signal });
  } finally {
    await speech.close();
  }
};

const engineUnderTest = async (name: EngineName, config: WorkerConfig): Promise<EngineUnderTest> => {
  const { openEngine } = await import('@taleback/speech/src/engines/open/open-engine.ts');
  const { isRemote } = await import('@taleback/speech/src/pool/speech-line.ts');
  const { readEnvironment } = await import('@taleback/worker/src/config.ts');
  const { trialLanguage } = await import('./doctor/trial-language.ts');
  const { engines, speech } = config;
  const parts = { engines, versions: speech.versions, environment: readEnvironment(), log };
  const { plugin, close } = await openEngine(name, parts);
  // Its connections end with the command.
  if (isRemote(plugin)) return plugin;
  await close();
  const probe = async (signal: AbortSignal) => {
    await speakOnce(config, name, trialLanguage(plugin.languages), signal);
    return { details: `It speaks, with ${plugin.voices().length} voices.` };
  };
  return { name: plugin.name, voices: plugin.voices, probe };
};

/** Asks Pub/Sub whether the subscription is there; the worker makes it when it is missing. */
const askSubscription = async (name: string): Promise<string> => {
  const { PubSub } = await import('@google-cloud/pubsub');
  (await import('@taleback/worker/src/config.ts')).expectNoCloudBesideEmulator();
  const client = new PubSub();
  try {
    const [exists] = await client.subscription(name).exists();
    return exists ? `the subscription ${name} is there` : `the worker will make the subscription ${name}`;
  } finally {
    await client.close();
  }
};

/** A person waits: three tries within a few seconds. */
const RETRY = {
  maxAttempts: 3,
  backoff: { kind: 'exponential', initialMs: 500, maxMs: 2_000, jitter: 'equal' },
  maxRetryAfterMs: 10_000,
} as const;

const checksFor = async (wish: CheckWish) => {
  const { doctorChecks } = await import('./doctor/doctor-checks.ts');
  const { enginePrograms } = await import('./doctor/engine-programs.ts');
  const { openEnginesUnderTest } = await import('./doctor/open-engines-under-test.ts');
  const { readProgramVersion } = await import('./doctor/program-version.node.ts');
  const { createNetworkProbe } = await import('./doctor/network-probe.node.ts');
  const { readDiskSpace } = await import('@taleback/speech/src/protection/disk-space.node.ts');
  const { createMachineReader } = await import('@taleback/speech/src/protection/machine-reader.node.ts');
  const { createUndiciPost } = await import('@taleback/outbox/src/undici-post.node.ts');
  const { openStorage } = await import('@taleback/worker/src/open-storage.ts');
  const { storage, subscription, engines } = wish.config;
  const { audio, records } = await openStorage({
    config: storage,
    folderUrl: 'http://localhost',
    // Each answer is told as it comes; the check itself ends the waiting.
    retry: { maxAttempts: 1, backoff: RETRY.backoff },
    timeoutMs: wish.timeoutMs,
  });
  return doctorChecks(wish, {
    network: createNetworkProbe(),
    engines: await openEnginesUnderTest(engines.names, (name) => engineUnderTest(name, wish.config)),
    readMachine: createMachineReader(),
    readDiskSpace,
    post: createUndiciPost({ allowPrivate: true, timeoutMs: wish.timeoutMs }).post,
    checkStore: async (signal) => void (await audio.check(signal)),
    records,
    checkSubscription: () => askSubscription(subscription),
    programs: enginePrograms(engines, readProgramVersion),
  });
};

const ports: CliPorts = {
  terminal: processTerminal(),
  readEnvironment: async () => (await import('@taleback/worker/src/config.ts')).readEnvironment(),
  parseConfig: async (environment) =>
    (await import('@taleback/worker/src/config.ts')).parseConfig(environment),
  // The worker runs as soon as it is loaded.
  runWorker: async (restart) => {
    if (!restart) return void (await import('@taleback/worker/src/main.ts'));
    const { runRestarting } = await import('./commands/run-restarting.node.ts');
    const { readEnvironment, parseConfig } = await import('@taleback/worker/src/config.ts');
    const env = readEnvironment();
    process.exitCode = await runRestarting({
      args: [...process.execArgv, fileURLToPath(import.meta.resolve('@taleback/worker/src/main.ts'))],
      env,
      stopWithinMs: parseConfig(env).drainMs + STOP_GRACE_MS,
      say: (line) => process.stderr.write(line),
    });
  },
  checks: checksFor,
  openSpeech: openSpeechFor,
  openMp3Encoder: async () => {
    const { createMp3ThreadEncoder } = await import('@taleback/speech/src/audio/index.ts');
    return createMp3ThreadEncoder();
  },
  openRecords: async ({ storage }) => {
    const { openStorage } = await import('@taleback/worker/src/open-storage.ts');
    return openStorage({ config: storage, folderUrl: '' });
  },
  openCallbackClient: async (config) => {
    const { createUndiciPost } = await import('@taleback/outbox/src/undici-post.node.ts');
    const { createCallbackClient } = await import('@taleback/outbox/src/callbacks-index.ts');
    const { signingOf } = await import('@taleback/worker/src/config.ts');
    const poster = createUndiciPost({ allowPrivate: config.callbacks.allowPrivate });
    const signing = signingOf(config.callbacks, config.secrets);
    const { post } = poster;
    const client = createCallbackClient({ post, ...signing, retry: RETRY, log: () => {}, now: Date.now });
    return { client, close: () => poster.close() };
  },
  openPost: async () =>
    (await import('@taleback/outbox/src/undici-post.node.ts')).createUndiciPost({ allowPrivate: true }),
  stopSignal: () => {
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    return stop.signal;
  },
};

const versionOf = (file: URL): string =>
  (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;

const end = await runCli(
  process.argv.slice(2),
  ports,
  versionOf(new URL('../../worker/package.json', import.meta.url)),
);
if (end.kind === 'ended') {
  // What was left behind, such as a name that nobody resolves, must not keep the command from ending.
  process.stdout.write('', () => process.exit(end.code));
}
