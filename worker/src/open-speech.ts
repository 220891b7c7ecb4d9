import { type Clock, systemClock } from '@taleback/resilience';
import { createControlFile } from '@taleback/speech/src/protection/control-file.node.ts';
import { createMachineReader } from '@taleback/speech/src/protection/machine-reader.node.ts';
import { createNetworkProbe } from '@taleback/speech/src/diagnosis/network.node.ts';
import { createPrometheus, type PrometheusMetrics } from './health/prometheus.ts';
import type { CacheStatus } from '@taleback/speech/src/cache/sound-cache.ts';
import type { EngineName, EnginesConfig } from '@taleback/speech/src/engines/engine-settings.ts';
import type { ProtectionConfig } from './config/protection-environment.ts';
import type { SpeechConfig } from './config/speech-environment.ts';
import {
  type BreakerSummary,
  DiagnosisOnFailure,
} from '@taleback/speech/src/diagnosis/diagnosis-on-failure.ts';
import { diagnose } from '@taleback/speech/src/diagnosis/diagnose.ts';
import type { RemoteEngine } from '@taleback/speech/src/engines/engine.ts';
import { type EnginePlugin, isRemote } from '@taleback/speech/src/pool/speech-line.ts';
import { TtsManager } from '@taleback/speech/src/chain/tts-manager.ts';
import type { Log } from '@taleback/core';
import type { OutboxStatus } from '@taleback/outbox';
import { type OpenEngine, openEngine } from '@taleback/speech/src/engines/open-engine.node.ts';
import type { WorkerSnapshot } from '@taleback/speech/src/pool/pool-snapshot.ts';
import { Protection } from '@taleback/speech/src/protection/protection.ts';

export interface SpeechOptions {
  readonly engines: EnginesConfig;
  readonly speech: SpeechConfig;
  readonly protection: ProtectionConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For the metrics; absent where no callbacks are sent. */
  readonly outbox?: (() => OutboxStatus) | undefined;
  /** For the metrics too. */
  readonly cacheStatus?: (() => CacheStatus | undefined) | undefined;
  readonly log: Log;
}

export interface OpenSpeech {
  readonly chain: TtsManager;
  readonly metrics: PrometheusMetrics;
  /** What was found out about services that failed, by engine. */
  readonly diagnosis: DiagnosisOnFailure;
  /** What an engine's sound depends on beside its name and the request. */
  readonly versionOf: (engine: string) => string;
  /** Ends every speech process and connection. */
  readonly close: () => Promise<void>;
}

/** Opens all engines, or none. */
const openAll = async (names: readonly EngineName[], options: SpeechOptions): Promise<OpenEngine[]> => {
  const opened: OpenEngine[] = [];
  try {
    for (const name of names) {
      opened.push(await openEngine(name, { ...options, versions: options.speech.versions }));
    }
    return opened;
  } catch (error) {
    await Promise.all(opened.map(({ close }) => close()));
    throw error;
  }
};

const remoteOf = (plugins: readonly EnginePlugin[]): RemoteEngine[] => plugins.filter(isRemote);

/** Diagnoses a service by itself when all tries at it have failed. */
const openDiagnosis = (
  remote: readonly RemoteEngine[],
  breakerOf: (engine: string) => BreakerSummary | undefined,
  log: Log,
  clock: Clock,
): DiagnosisOnFailure => {
  const network = createNetworkProbe();
  return new DiagnosisOnFailure({
    diagnose: (name, signal) => {
      const engine = remote.find((each) => each.name === name);
      if (engine === undefined) return undefined;
      const health = async (asked: AbortSignal): Promise<string> => (await engine.probe(asked)).details;
      return diagnose(engine.endpoint, { network, health }, { signal });
    },
    breakerOf,
    log,
    clock,
  });
};

/** The speech of a worker: its engines with their protection and their metrics; not yet started. */
export const openSpeech = async (options: SpeechOptions): Promise<OpenSpeech> => {
  const { engines, speech, log } = options;
  const clock = systemClock;
  const opened = await openAll(engines.names, options);
  const [first, ...others] = opened.map(({ plugin }) => plugin);
  if (first === undefined) throw new Error('configuration: ENGINES: names no engine');
  const remote = remoteOf([first, ...others]);
  const protection = new Protection(options.protection.options, {
    readMachine: createMachineReader(),
    controlFile: createControlFile(options.protection.controlFile),
    log,
    clock,
  });
  /** A remote service is one worker, named after its engine. */
  const serviceOf = (engine: string): WorkerSnapshot | undefined =>
    chain.snapshot().pool?.workers.find(({ id }) => id === engine);
  const diagnosis = openDiagnosis(
    remote,
    (engine) => {
      const service = serviceOf(engine);
      return service && { state: service.breaker, consecutiveFailures: service.consecutiveFailures };
    },
    log,
    clock,
  );
  const chain: TtsManager = new TtsManager(speech.manager, {
    engines: [first, ...others],
    mostVoices: engines.mostVoices,
    protection,
    listeners: [(event) => metrics.record(event)],
    onServiceFailure: (engine, error) => diagnosis.failed(engine, error),
    log,
    clock,
  });
  const metrics: PrometheusMetrics = createPrometheus({
    pool: () => chain.snapshot().pool,
    machine: () => chain.snapshot().machine,
    protection: () => chain.snapshot().protection,
    readiness: () => chain.readiness(),
    outbox: options.outbox,
    cache: options.cacheStatus,
  });
  protection.start();
  return {
    chain,
    diagnosis,
    versionOf: (engine) => {
      const version = opened.find(({ plugin }) => plugin.name === engine)?.version;
      // A service may be given another model under the same address.
      return [version, serviceOf(engine)?.model].filter((part) => part !== undefined).join(' ');
    },
    metrics,
    close: async () => {
      protection.stop();
      await chain.shutdown();
      await diagnosis.close();
      await Promise.all(opened.map(({ close }) => close()));
    },
  };
};
