import { type Clock, systemClock } from '@taleback/resilience';
import { createControlFile } from '@taleback/speech/src/protection/control-file.node.ts';
import { createMachineReader } from '@taleback/speech/src/protection/machine-reader.node.ts';
import { createNetworkProbe } from '@taleback/cli/src/doctor/network-probe.node.ts';
import { createPrometheus, type PrometheusMetrics } from './health/prometheus.ts';
import type { CacheStatus } from '@taleback/speech/src/cache/index.ts';
import type { EngineName, EnginesConfig } from '@taleback/speech/src/engines/engine-settings.ts';
import type { ProtectionConfig } from './config/protection-environment.ts';
import type { SpeechConfig } from './config/speech-environment.ts';
import { type BreakerWords, DiagnosisOnFailure, diagnose } from '@taleback/speech/src/diagnosis/index.ts';
import type { RemoteEngine } from '@taleback/speech/src/engines/index.ts';
import { type EnginePlugin, isRemote, TtsManager } from '@taleback/speech/src/manager/index.ts';
import type { Log, OutboxStatus, SynthesisEvent } from '@taleback/speech/src/status/index.ts';
import { type OpenEngine, openEngine } from '@taleback/speech/src/engines/open/open-engine.ts';
import { Protection } from '@taleback/speech/src/protection/index.ts';
import { renamed, SpeechChain } from '@taleback/speech/src/chain/speech-index.ts';

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
  readonly chain: SpeechChain;
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
  breakerOf: (engine: string) => BreakerWords | undefined,
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
  const remote = remoteOf(opened.map(({ plugin }) => plugin));
  const protection = new Protection(options.protection.options, {
    readMachine: createMachineReader(),
    controlFile: createControlFile(options.protection.controlFile),
    log,
    clock,
  });
  const metrics: PrometheusMetrics = createPrometheus({
    pool: () => chain.pool(),
    machine: () => chain.picture().machine,
    protection: () => chain.picture().protection,
    readiness: () => chain.readiness(),
    outbox: options.outbox,
    cache: options.cacheStatus,
  });
  const breakerOf = (engine: string): BreakerWords | undefined => {
    const manager = chain.managers.find((each) => each.engine.name === engine);
    const service = manager?.picture().pool?.workers[0];
    return service && { state: service.breaker, consecutiveFailures: service.consecutiveFailures };
  };
  const diagnosis = openDiagnosis(remote, breakerOf, log, clock);
  const managerOf = ({ plugin }: OpenEngine): TtsManager => {
    const listen = (event: SynthesisEvent): void => {
      const told = opened.length === 1 ? event : renamed(plugin.name, event);
      chain.record(told);
      metrics.record(told);
    };
    const onServiceFailure = (error: unknown): void => diagnosis.failed(plugin.name, error);
    return new TtsManager(speech.manager, {
      plugin,
      protection,
      listeners: [listen],
      onServiceFailure,
      log,
      clock,
    });
  };
  const [first, ...others] = opened.map(managerOf);
  if (first === undefined) throw new Error('configuration: ENGINES: names no engine');
  const chain: SpeechChain = new SpeechChain({
    managers: [first, ...others],
    mostVoices: engines.mostVoices,
    log,
    clock,
  });
  protection.start();
  const remoteNames = new Set(remote.map(({ name }) => name));
  return {
    chain,
    diagnosis,
    versionOf: (engine) => {
      const at = opened.findIndex(({ plugin }) => plugin.name === engine);
      // A service may be given another model under the same address.
      const model = remoteNames.has(engine)
        ? chain.managers[at]?.picture().pool?.workers[0]?.model
        : undefined;
      return [opened[at]?.version, model].filter((part) => part !== undefined).join(' ');
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
