import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMp3ThreadEncoder, type Narrate, type TtsManager } from '@taleback/speech';
import { parseConfig } from '../../src/config.ts';
import { openCache, openSpeech } from '../../src/speech.ts';

export interface OpenedChain {
  readonly chain: TtsManager;
  readonly narrate: Narrate;
  readonly logged: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
  readonly close: () => Promise<void>;
}

/** The engines of a worker with this environment, wired as the worker wires them, into MP3 files. */
export const openChain = async (environment: Readonly<Record<string, string>>): Promise<OpenedChain> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-chain-'));
  const config = parseConfig({
    SYSTEM_PROTECTION: 'off',
    SPEECH_CACHE: 'off',
    SPEECH_CACHE_FOLDER: join(folder, 'cache'),
    CONTROL_FILE: join(folder, 'control.env'),
    ...environment,
  });
  const logged: OpenedChain['logged'] = [];
  const log = (_severity: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
    void logged.push({ message, fields });
  const speech = await openSpeech({
    ...config,
    environment: process.env,
    log,
  });
  const encoder = createMp3ThreadEncoder();
  const cache = await openCache({ config: config.cache, versionOf: speech.versionOf, encoder: 'mp3', log });
  await speech.manager.initialize();
  return {
    chain: speech.manager,
    narrate: speech.manager.narrator(encoder, cache.around),
    logged,
    close: async () => {
      await speech.close();
      await Promise.all([encoder.close(), cache.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
