import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Log } from '@taleback/core';
import { type Clock, systemClock } from '@taleback/resilience';
import { FLITE_CHILD_FILE, OWN_NODE_ARGS, ownFile, PYTHON_FOLDER } from '../own-files.node.ts';
import type { OpenSpeechChild } from '../pool/speech-child.ts';
import type { HostedPlugin } from '../pool/speech-line.ts';
import { ChildConnection } from '../protocol/child-connection.ts';
import { spawnChild } from '../protocol/child-process.node.ts';
import type { ProtocolVersion } from '../protocol/protocol.ts';
import { type OpenSoundFiles, openSoundFiles } from '../protocol/sound-files.node.ts';
import type { SpeechProfile, VoiceProfile } from './engine.ts';
import { FLITE_PROFILE } from './flite/flite-engine.ts';
import { openSpeechThread } from './speech-thread.node.ts';

/** What a child needs of our environment to find programs, models and its language; no secrets. */
const PASSED_ON =
  'PATH HOME LANG LC_ALL TMPDIR TZ HF_HOME COQUI_TOS_AGREED TTS_HOME CUDA_VISIBLE_DEVICES LD_LIBRARY_PATH SYSTEMROOT';

export const childEnvironment = (
  ours: Readonly<Record<string, string | undefined>>,
): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.split(' ').flatMap((name) => (ours[name] === undefined ? [] : [[name, ours[name]]])),
  );

export interface ProcessChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: OpenSoundFiles;
  /** Default: all, newest first. `['1.0.0']` for a child that is known to be old. */
  readonly versions?: readonly ProtocolVersion[] | undefined;
  readonly negotiationTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly log: Log;
}

/**
 * Children that are processes and speak the line protocol.
 *
 * @example
 * const files = await openSoundFiles();
 * const open = processChild({ command: 'python3', args: ['-m', 'my_engine'], env: {}, files, log: console.error });
 * await files.close();
 */
export const processChild =
  ({ command, args, env, clock = systemClock, ...options }: ProcessChildOptions): OpenSpeechChild =>
  (workerId, events) => {
    const onLog = (line: string): void =>
      options.log('info', 'speech child says', { worker: workerId, line });
    const open = spawnChild({ command, args, env, onLog });
    return new ChildConnection({ ...options, workerId, open, clock }, events);
  };

export interface FlitePluginOptions {
  /** Entry of the children. Default: the one of this package. */
  readonly childFile?: string;
  /** Ours, of which the children get what they need. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly versions?: readonly ProtocolVersion[] | undefined;
  /** In threads of this process, for one that ends with its text: they start sooner. Default: child processes. */
  readonly inThreads?: boolean | undefined;
  readonly log: Log;
}

export interface OpenPlugin {
  readonly plugin: HostedPlugin;
  /** Removes what it keeps on disk. */
  readonly close: () => Promise<void>;
}

const openFolder = async (name: string) => {
  const folder = await mkdtemp(join(tmpdir(), `taleback-${name}-`));
  return { folder, close: () => rm(folder, { recursive: true, force: true }) };
};

/**
 * The embedded engine, in child processes, or in a thread of this process when none comes up. It has folders from `open`
 * to `close`. Its child is this Node with our file: it needs nothing of the environment.
 */
export const embeddedFlite = ({
  childFile = FLITE_CHILD_FILE,
  environment = {},
  versions,
  inThreads = false,
  log,
}: Pick<FlitePluginOptions, 'log'> & Partial<FlitePluginOptions>) => {
  let kept: readonly { readonly close: () => Promise<void> }[] = [];
  let opened: OpenSpeechChild | undefined;
  const openThread = openSpeechThread(ownFile('engines/flite/flite-thread'));
  const plugin: HostedPlugin = {
    ...FLITE_PROFILE,
    // All its voices are in one module.
    modelOf: () => FLITE_PROFILE.name,
    openChild: (workerId, events) => {
      if (opened === undefined) throw new Error('the embedded engine has not been opened');
      return opened(workerId, events);
    },
    openThread,
  };
  const open = async (): Promise<void> => {
    if (inThreads) opened = openThread;
    if (opened !== undefined) return;
    const files = await openSoundFiles();
    // Children read code that an earlier one compiled: 0.2 s of CPU until they are ready instead of 0.5 s.
    const ours = getCompileCacheDir();
    const compiled = ours === undefined ? await openFolder('compiled') : undefined;
    kept = compiled === undefined ? [files] : [files, compiled];
    const folder = compiled?.folder ?? dirname(ours ?? '');
    // In Electron the executable of this process is Node only when it is asked to be.
    const own = { NODE_COMPILE_CACHE: folder, ELECTRON_RUN_AS_NODE: '1' };
    const env = { ...childEnvironment(environment), ...own };
    const args = [...OWN_NODE_ARGS, childFile];
    opened = processChild({ command: process.execPath, args, env, files, versions, log });
  };
  const close = async (): Promise<void> => void (await Promise.all(kept.map((one) => one.close())));
  return { plugin, open, close };
};

/** The embedded engine with its folders. */
export const openFlitePlugin = async (options: FlitePluginOptions): Promise<OpenPlugin> => {
  const { open, ...opened } = embeddedFlite(options);
  await open();
  return opened;
};

/** Recordings kept at once; one takes up to 10 MB. A chunk that waits behind more than 32 others finds its own gone. */
const MOST_KEPT = 32;

/** Recordings as files that only this user may read, for children that take a path: the same while it is kept. */
const openProfileFiles = async () => {
  const { folder, close } = await openFolder('profiles');
  /** By hash; the one used last is at the end. */
  const kept = new Map<string, Promise<string>>();

  const write = async ({ hash, bytes }: VoiceProfile): Promise<string> => {
    const path = join(folder, hash);
    await writeFile(path, bytes, { mode: 0o600 });
    return path;
  };
  const keep = (profile: VoiceProfile): Promise<string> => {
    const path = kept.get(profile.hash) ?? write(profile);
    kept.delete(profile.hash);
    kept.set(profile.hash, path);
    path.catch(() => kept.delete(profile.hash));
    const [oldest] = kept;
    if (kept.size > MOST_KEPT && oldest !== undefined) {
      kept.delete(oldest[0]);
      void oldest[1].then((file) => rm(file, { force: true })).catch(() => {});
    }
    return path;
  };
  return { keep, close };
};

export interface PythonPluginOptions extends Omit<FlitePluginOptions, 'childFile'> {
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
  /** Further folders where Python looks for modules, such as that of a plugin of one's own. */
  readonly pythonPath?: readonly string[] | undefined;
}

/** How the Python child of an engine is started. */
export const pythonCommand = (
  options: Omit<PythonPluginOptions, 'profile' | 'modelOf' | 'versions' | 'log'>,
) => {
  const { engine, python = 'python3', args = [], environment } = options;
  const { pythonFolder = PYTHON_FOLDER, pythonPath = [] } = options;
  const PYTHONPATH = [pythonFolder, ...pythonPath].join(':');
  return {
    command: python,
    args: ['-u', '-m', 'taleback_speech', '--engine', engine, ...args],
    env: { ...childEnvironment(environment), PYTHONPATH, PYTHONUNBUFFERED: '1' },
  };
};

/**
 * An engine that a Python child hosts. The child starts with the manager.
 *
 * @example
 * const options = { profile: ESPEAK_PROFILE, engine: 'espeak_ng', environment: process.env, log: console.error };
 * const { plugin, close } = await openPythonPlugin(options);
 * console.log(plugin.name);
 * await close();
 */
export const openPythonPlugin = async (options: PythonPluginOptions): Promise<OpenPlugin> => {
  const { profile, modelOf = (voiceId) => voiceId, versions, log } = options;
  const files = await openSoundFiles();
  const profiles = profile.clonesVoices === true ? await openProfileFiles() : undefined;
  const openChild = processChild({ ...pythonCommand(options), files, versions, log });
  return {
    plugin: { ...profile, modelOf, openChild, keepProfile: profiles?.keep },
    close: async () => void (await Promise.all([files.close(), profiles?.close()])),
  };
};
