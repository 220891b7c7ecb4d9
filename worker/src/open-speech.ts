import { systemClock } from '@taleback/resilience';
import { createControlFile } from './adapters/control-file.ts';
import { createMachineReader } from './adapters/machine-reader.ts';
import { createPrometheus, type PrometheusMetrics } from './adapters/prometheus.ts';
import type { ProtectionConfig } from './config/protection-environment.ts';
import type { SpeechConfig } from './config/speech-environment.ts';
import { TtsManager } from './manager/index.ts';
import { decideReadiness, type Log, type OutboxStatus } from './observe/index.ts';
import { openFlitePlugin } from './plugins/flite-plugin.ts';
import { Protection } from './protection/index.ts';

export interface SpeechOptions {
  readonly speech: SpeechConfig;
  readonly protection: ProtectionConfig;
  /** The built `flite-child.js`. */
  readonly childFile: string;
  /** The built `flite-thread.js`. */
  readonly threadFile: URL;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For the metrics; absent where no callbacks are sent. */
  readonly outbox?: (() => OutboxStatus) | undefined;
  readonly log: Log;
}

export interface OpenSpeech {
  readonly manager: TtsManager;
  readonly metrics: PrometheusMetrics;
  /** Ends every speech process. */
  readonly close: () => Promise<void>;
}

/** The speech service of a worker, with its protection and its metrics; not yet started. */
export const openSpeech = async (options: SpeechOptions): Promise<OpenSpeech> => {
  const { speech, childFile, threadFile, environment, log } = options;
  const clock = systemClock;
  const protection = new Protection(options.protection.options, {
    readMachine: createMachineReader(),
    controlFile: createControlFile(options.protection.controlFile),
    log,
    clock,
  });
  const embedded = await openFlitePlugin({
    childFile,
    threadFile,
    environment,
    versions: speech.versions,
    log,
  });
  const metrics: PrometheusMetrics = createPrometheus({
    pool: () => manager.picture().pool,
    machine: () => manager.picture().machine,
    protection: () => manager.picture().protection,
    readiness: () => decideReadiness(manager.picture()),
    outbox: options.outbox,
  });
  const manager = new TtsManager(speech.manager, {
    plugin: embedded.plugin,
    protection,
    listeners: [metrics.record],
    log,
    clock,
  });
  protection.start();
  return {
    manager,
    metrics,
    close: async () => {
      protection.stop();
      await manager.shutdown();
      await embedded.close();
    },
  };
};
