import { openSoundFiles } from '../../protocol/sound-files.node.ts';
import { openSpeechThread } from './speech-thread.node.ts';
import { FLITE_PROFILE } from '../index.ts';
import type { HostedPlugin } from '../../pool/speech-line.ts';
import type { Log } from '@taleback/core';
import type { ProtocolVersion } from '../../protocol/protocol.ts';
import { childEnvironment } from './child-environment.ts';
import { FLITE_CHILD_FILE, FLITE_THREAD_FILE, OWN_NODE_ARGS } from './own-files.node.ts';
import { processChild } from './process-child.ts';

export interface FlitePluginOptions {
  /** Entry of the children. Default: the one of this package. */
  readonly childFile?: string;
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
  const { childFile = FLITE_CHILD_FILE, environment, versions, log } = options;
  const files = await openSoundFiles();
  const plugin: HostedPlugin = {
    ...FLITE_PROFILE,
    // All its voices are in one module.
    modelOf: () => FLITE_PROFILE.name,
    openChild: processChild({
      command: process.execPath,
      args: [...OWN_NODE_ARGS, childFile],
      env: childEnvironment(environment),
      files,
      versions,
      log,
    }),
    openThread: openSpeechThread(FLITE_THREAD_FILE),
  };
  return { plugin, close: () => files.close() };
};
