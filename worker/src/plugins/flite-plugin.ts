import { openSoundFiles } from '../adapters/sound-files.ts';
import { openSpeechThread } from '../adapters/speech-thread.ts';
import { FLITE_PROFILE } from '../engines/index.ts';
import type { HostedPlugin } from '../manager/index.ts';
import type { Log } from '../observe/index.ts';
import type { ProtocolVersion } from '../protocol/index.ts';
import { childEnvironment } from './child-environment.ts';
import { processChild } from './process-child.ts';

export interface FlitePluginOptions {
  /** The built `flite-child.js`. */
  readonly childFile: string;
  /** The built `flite-thread.js`. */
  readonly threadFile: URL;
  /** Ours, of which the children get what they need. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly versions?: readonly ProtocolVersion[] | undefined;
  readonly log: Log;
}

export interface OpenPlugin {
  readonly plugin: HostedPlugin;
  /** Removes what it keeps on disk. */
  readonly close: () => Promise<void>;
}

/** The embedded engine, in child processes, or in a thread of this process when none comes up. */
export const openFlitePlugin = async (options: FlitePluginOptions): Promise<OpenPlugin> => {
  const { childFile, threadFile, environment, versions, log } = options;
  const files = await openSoundFiles();
  const plugin: HostedPlugin = {
    ...FLITE_PROFILE,
    // All its voices are in one module.
    modelOf: () => FLITE_PROFILE.name,
    openChild: processChild({
      command: process.execPath,
      args: [childFile],
      env: childEnvironment(environment),
      files,
      versions,
      log,
    }),
    openThread: openSpeechThread(threadFile),
  };
  return { plugin, close: () => files.close() };
};
