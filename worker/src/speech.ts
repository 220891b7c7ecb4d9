import { type Log, TalebackError } from '@taleback/core';
import { systemClock } from '@taleback/resilience';
import { createNetworkProbe, diagnose, DiagnosisOnFailure } from '@taleback/speech/diagnosis';
import {
  type CacheStatus,
  type EngineName,
  isRemote,
  openEngine,
  type OpenEngine,
  SoundCache,
  type SpeechCaches,
  type SynthesisListener,
  TtsManager,
  withChunkCache,
  withNarrationCache,
  type WorkerSnapshot,
} from '@taleback/speech';
import { createControlFile, createMachineReader, Protection } from '@taleback/speech/operations';
import type { WorkerConfig } from './config.ts';

export interface SpeechOptions extends Pick<WorkerConfig, 'engines' | 'speech' | 'protection'> {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly listeners?: readonly SynthesisListener[];
  /** Of the embedded engine. Default: it has child processes. */
  readonly inThreads?: boolean;
  readonly log: Log;
}

/** Opens all engines, or none. */
const openAll = async (names: readonly EngineName[], options: SpeechOptions): Promise<OpenEngine[]> => {
  const opened: OpenEngine[] = [];
  try {
    for (const name of names)
      opened.push(await openEngine(name, { ...options, versions: options.speech.versions }));
    const called = opened.map(({ plugin }) => plugin.name);
    const twice = called.find((name, index) => called.indexOf(name) < index);
    if (twice !== undefined) throw new Error(`configuration: ENGINES: two engines are called "${twice}"`);
    return opened;
  } catch (error) {
    await Promise.all(opened.map(({ close }) => close()));
    throw error;
  }
};

/** The speech service: its engines with their protection and the diagnosis of remote ones; not yet started. */
export const openSpeech = async (options: SpeechOptions) => {
  const { engines, speech, log, listeners = [] } = options;
  const clock = systemClock;
  const opened = await openAll(engines.names, options);
  const [first, ...others] = opened.map(({ plugin }) => plugin);
  if (first === undefined) throw new Error('configuration: ENGINES: names no engine');
  const remote = [first, ...others].filter(isRemote);

  const protection = new Protection(options.protection.options, {
    readMachine: createMachineReader(),
    controlFile: createControlFile(options.protection.controlFile),
    log,
    clock,
  });
  const network = createNetworkProbe();
  // It reads the state of a service that failed, so the manager is there when it is used.
  const diagnosis = new DiagnosisOnFailure({
    diagnose: (name, signal) => {
      const engine = remote.find((each) => each.name === name);
      if (engine === undefined) return undefined;
      const health = async (asked: AbortSignal): Promise<string> => (await engine.probe(asked)).details;
      return diagnose(engine.endpoint, { network, health }, { signal });
    },
    breakerOf: (name) => {
      const service = serviceOf(name);
      if (service === undefined) return undefined;
      const { breaker: state, consecutiveFailures, lastFailure } = service;
      const lastFailureAt = lastFailure && new Date(lastFailure.atMs).toISOString();
      return { state, consecutiveFailures, lastFailure: lastFailureAt };
    },
    log,
    clock,
  });
  const diagnoseOpened: SynthesisListener = (event) => {
    if (event.kind !== 'breaker-changed' || event.to !== 'open') return;
    const { code = 'unknown', message = event.cause } = event.lastFailure ?? {};
    diagnosis.opened(event.workerId, new TalebackError(code, message));
  };
  const manager = new TtsManager(speech.manager, {
    engines: [first, ...others],
    mostVoices: engines.mostVoices,
    protection,
    listeners: [diagnoseOpened, ...listeners],
    onServiceFailure: (engine, error) => diagnosis.failed(engine, error),
    log,
    clock,
  });
  /** A remote service is one worker, named after its engine. */
  const serviceOf = (engine: string): WorkerSnapshot | undefined =>
    manager.snapshot().pool?.workers.find(({ id }) => id === engine);
  protection.start();
  return {
    manager,
    /** What was found out about services that failed, by engine. */
    diagnosis,
    /** What an engine's sound depends on beside its name and the request. */
    versionOf: (engine: string): string => {
      const version = opened.find(({ plugin }) => plugin.name === engine)?.version;
      // A service may be given another model under the same address.
      return [version, serviceOf(engine)?.model].filter((part) => part !== undefined).join(' ');
    },
    /** Ends every speech process and connection. */
    close: async (): Promise<void> => {
      protection.stop();
      await manager.shutdown();
      await diagnosis.close();
      await Promise.all(opened.map(({ close }) => close()));
    },
  };
};

export interface CacheOptions {
  readonly config: WorkerConfig['cache'];
  /** See `openSpeech`. */
  readonly versionOf: (engine: string) => string;
  /** What the narrations are encoded as, such as `mp3 64 kbit/s`. */
  readonly encoder: string;
  readonly log: Log;
}

/** The cache of the speech, open; it does nothing while it is off. */
export const openCache = async ({ config, versionOf, encoder, log }: CacheOptions) => {
  const { isOn, folder, limits } = config;
  const cache = isOn ? new SoundCache({ folder, limits, clock: systemClock, log }) : undefined;
  await cache?.open();
  /** Wraps the engines of a narrator. Versions are read for every piece. */
  const around: SpeechCaches =
    cache === undefined
      ? {}
      : {
          engine: (engine) =>
            withChunkCache(engine, cache, {
              get engineVersion() {
                return versionOf(engine.name);
              },
            }),
          narrate: (narrate, { name }) =>
            withNarrationCache(narrate, cache, {
              get engines() {
                return `${name} ${versionOf(name)}`;
              },
              encoder,
            }),
        };
  return {
    around,
    /** Removes the sounds that only this story has used. */
    removeOf: async (storyId: string): Promise<void> => cache?.removeOf(storyId),
    /** Undefined while it is off. */
    status: (): CacheStatus | undefined => cache?.status(),
    close: async (): Promise<void> => cache?.close(),
  };
};
