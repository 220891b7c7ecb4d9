import { primaryLanguage } from '@taleback/core';
import { readDiskSpace } from './adapters/disk-space.ts';
import type { WorkerConfig } from './config.ts';
import { createPreflight, type EngineReadiness, type Preflight } from './preflight/index.ts';
import { loadVoiceProfile, type ProfilePorts } from './profiles/index.ts';
import type { SpeechChain } from './speech/index.ts';

export interface PreflightOptions {
  readonly config: WorkerConfig;
  readonly chain: SpeechChain;
  /** Reads a recording out of the store. */
  readonly read: ProfilePorts['read'];
}

/** What is looked at before a job costs anything. */
export const openPreflight = ({ config, chain, read }: PreflightOptions): Preflight => {
  // Sound lies in the cache while it is made, and a callback in the outbox at the end.
  const folder = config.storage.kind === 'folder' ? config.storage.folder : config.callbacks.outbox.folder;
  const readinessOf = (name: string): EngineReadiness => {
    const engine = chain.engines().find((each) => each.name === name);
    if (engine === undefined || engine.state !== 'unavailable') return { state: 'ready' };
    const { errorCode: code, reason: details } = engine;
    return code === undefined ? { state: 'unknown' } : { state: 'unfit', code, details };
  };
  return createPreflight({
    limits: {
      ...config.limits,
      // A service may tell of more languages when it is asked.
      get languages() {
        return chain.engines().flatMap(({ languages }) => languages.map(primaryLanguage));
      },
    },
    loadProfile: (source, signal) => loadVoiceProfile(source, { read, signal }),
    ableEngines: (need) => chain.ableEngines(need),
    readinessOf,
    diskFree: async () => (await readDiskSpace(folder)).freeBytes,
  });
};
