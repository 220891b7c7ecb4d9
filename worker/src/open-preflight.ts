import { readDiskSpace } from '@taleback/speech/src/protection/disk-space.node.ts';
import type { WorkerConfig } from './config.ts';
import { createPreflight, type Preflight } from '@taleback/handler/src/preflight-index.ts';
import { loadVoiceProfile, type ProfilePorts } from '@taleback/speech/src/voices/index.ts';
import type { TtsManager } from '@taleback/speech/src/chain/tts-manager.ts';

export interface PreflightOptions {
  readonly config: WorkerConfig;
  readonly chain: TtsManager;
  /** Reads a recording out of the store. */
  readonly read: ProfilePorts['read'];
}

/** What is looked at before a job costs anything. */
export const openPreflight = ({ config, chain, read }: PreflightOptions): Preflight => {
  // Sound lies in the cache while it is made, and a callback in the outbox at the end.
  const folder = config.storage.kind === 'folder' ? config.storage.folder : config.callbacks.outbox.folder;
  return createPreflight({
    // Which languages can be spoken, the chain knows: a service may tell of more when it is asked.
    limits: { ...config.limits, languages: undefined },
    loadProfile: (source, signal) => loadVoiceProfile(source, { read, signal }),
    ableEngines: (need) => chain.ableEngines(need),
    diskFree: async () => (await readDiskSpace(folder)).freeBytes,
  });
};
