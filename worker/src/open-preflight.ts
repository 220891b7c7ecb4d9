import type { PreflightOptions } from '@taleback/handler/src/index.ts';
import { spokenLength } from '@taleback/speech/src/text/spoken-length.ts';
import type { TtsManager } from '@taleback/speech/src/chain/tts-manager.ts';
import { SPEED_RANGE, type VoiceProfile } from '@taleback/speech/src/engines/engine.ts';
import { readDiskSpace } from '@taleback/speech/src/protection/disk-space.node.ts';
import { loadVoiceProfile, type ProfilePorts } from '@taleback/speech/src/voices/load-voice-profile.ts';
import type { WorkerConfig } from './config.ts';

/** What is checked before a job costs anything. */
export const openPreflight = (
  config: WorkerConfig,
  chain: TtsManager,
  read: ProfilePorts['read'],
): PreflightOptions<VoiceProfile> => {
  // Sound is in the cache while it is made, and a callback in the outbox at the end.
  const folder = config.storage.kind === 'folder' ? config.storage.folder : config.callbacks.outbox.folder;
  return {
    // The chain knows which languages can be spoken: a service may report more when it is asked.
    limits: { ...config.limits, languages: undefined },
    speedRange: SPEED_RANGE,
    spokenLength,
    readRecording: (source, signal) => loadVoiceProfile(source, { read, signal }),
    requireEngine: ({ recording, ...need }) => void chain.ableEngines({ ...need, profile: recording }),
    freeBytes: async () => (await readDiskSpace(folder)).freeBytes,
  };
};
