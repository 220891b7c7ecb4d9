import { openProfileFiles } from './profile-files.node.ts';
import { openSoundFiles } from '../../protocol/sound-files.node.ts';
import type { SpeechProfile } from '../index.ts';
import type { Log } from '@taleback/core';
import type { ProtocolVersion } from '../../protocol/protocol.ts';
import { childEnvironment } from './child-environment.ts';
import type { OpenPlugin } from './flite-plugin.ts';
import { PYTHON_FOLDER } from './own-files.node.ts';
import { processChild } from './process-child.ts';

export interface PythonPluginOptions {
  /** What the engine speaks; its name is the manager's, not Python's. */
  readonly profile: SpeechProfile;
  /** As `python3 -m taleback_speech --engine` takes it: a name, or `module:Class`. */
  readonly engine: string;
  /** Folder of the package taleback_speech. Default: the one that comes with this package. */
  readonly pythonFolder?: string | undefined;
  /** Default `python3`. */
  readonly python?: string | undefined;
  /** More arguments, such as `--option device=cuda`. */
  readonly args?: readonly string[] | undefined;
  /** Default: every voice is a model of its own. */
  readonly modelOf?: ((voiceId: string) => string) | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Further folders where Python looks for modules, such as that of a plugin of one's own. */
  readonly pythonPath?: readonly string[] | undefined;
  readonly versions?: readonly ProtocolVersion[] | undefined;
  readonly log: Log;
}

/** An engine that a Python child hosts. */
export const openPythonPlugin = async (options: PythonPluginOptions): Promise<OpenPlugin> => {
  const {
    profile,
    engine,
    pythonFolder = PYTHON_FOLDER,
    python = 'python3',
    args = [],
    pythonPath = [],
  } = options;
  const files = await openSoundFiles();
  const openChild = processChild({
    command: python,
    args: ['-u', '-m', 'taleback_speech', '--engine', engine, ...args],
    env: {
      ...childEnvironment(options.environment),
      PYTHONPATH: [pythonFolder, ...pythonPath].join(':'),
      PYTHONUNBUFFERED: '1',
    },
    files,
    versions: options.versions,
    log: options.log,
  });
  const modelOf = options.modelOf ?? ((voiceId) => voiceId);
  const profiles = profile.clonesVoices === true ? await openProfileFiles() : undefined;
  return {
    plugin: { ...profile, modelOf, openChild, keepProfile: profiles?.keep },
    close: async () => void (await Promise.all([files.close(), profiles?.close()])),
  };
};
