import { readdir } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { openSpeechHttp } from '../adapters/undici-speech-http.ts';
import { connectWebSocket } from '../adapters/ws-speech-socket.ts';
import type { EngineName, EnginesConfig } from '../config/engines-environment.ts';
import {
  chatterboxProfile,
  coquiProfile,
  createChatterboxEngine,
  createCoquiEngine,
  createEdgeEngine,
  createElevenlabsEngine,
  createKokoroEngine,
  ESPEAK_PROFILE,
  type RemoteEngine,
  type SpeechHttp,
  type SpeechProfile,
} from '../engines/index.ts';
import type { EnginePlugin } from '../manager/index.ts';
import type { Log } from '../observe/index.ts';
import type { ProtocolVersion } from '../protocol/index.ts';
import { openFlitePlugin } from './flite-plugin.ts';
import { openPythonPlugin } from './python-plugin.ts';

export interface OpenEngineOptions {
  readonly engines: EnginesConfig;
  /** The built `flite-child.js`. */
  readonly childFile: string;
  /** The built `flite-thread.js`. */
  readonly threadFile: URL;
  /** The folder of the package taleback_speech, unless the configuration names another. */
  readonly pythonFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly versions: readonly ProtocolVersion[];
  readonly log: Log;
}

export interface OpenEngine {
  readonly plugin: EnginePlugin;
  /** Gives back its connections, files and folders. */
  readonly close: () => Promise<void>;
}

/** What an engine's sound depends on beside its name: sound that was kept under another version is not used. */
export const engineVersion = (
  name: EngineName,
  { kokoro, chatterbox, coqui, elevenlabs, edge }: EnginesConfig,
): string => {
  const versions: Readonly<Record<EngineName, string>> = {
    flite: '1',
    'espeak-ng': '1',
    kokoro: kokoro.url,
    chatterbox: chatterbox.url,
    'chatterbox-python': `${chatterbox.variant} ${chatterbox.voicesFolder ?? ''}`,
    coqui: coqui.url,
    'coqui-python': coqui.model,
    elevenlabs: elevenlabs.model,
    edge: edge.url,
  };
  return versions[name];
};

const overHttp = (create: (http: SpeechHttp) => RemoteEngine): OpenEngine => {
  const { http, close } = openSpeechHttp();
  return { plugin: create(http), close };
};

const openPython = (
  profile: SpeechProfile,
  engine: string,
  settings: readonly string[],
  { engines, pythonFolder, environment, versions, log }: OpenEngineOptions,
): Promise<OpenEngine> =>
  openPythonPlugin({
    profile,
    engine,
    pythonFolder: engines.python.folder ?? pythonFolder,
    python: engines.python.command,
    args: settings.flatMap((setting) => ['--option', setting]),
    // One model speaks with all of an engine's voices.
    modelOf: () => profile.name,
    environment,
    versions,
    log,
  });

const openChatterboxPython = async (options: OpenEngineOptions): Promise<OpenEngine> => {
  const { engines } = options;
  const { variant, voicesFolder } = engines.chatterbox;
  const files = voicesFolder === undefined ? [] : await readdir(voicesFolder);
  const recordings = files
    .filter((file) => RECORDING_ENDINGS.has(extname(file)))
    .map((file) => basename(file, extname(file)));
  const settings = [`variant=${variant}`, `device=${engines.python.device}`];
  return openPython(
    chatterboxProfile(variant, recordings),
    'chatterbox',
    voicesFolder === undefined ? settings : [...settings, `voices=${voicesFolder}`],
    options,
  );
};

/** @see worker/python/taleback_speech/engines/chatterbox.py */
const RECORDING_ENDINGS: ReadonlySet<string> = new Set(['.wav', '.mp3', '.flac', '.ogg']);

const OPENERS: Readonly<
  Record<EngineName, (options: OpenEngineOptions) => OpenEngine | Promise<OpenEngine>>
> = {
  flite: openFlitePlugin,
  'espeak-ng': (options) => openPython(ESPEAK_PROFILE, 'espeak_ng', [], options),
  'chatterbox-python': openChatterboxPython,
  'coqui-python': (options) => {
    const { coqui, python } = options.engines;
    const settings = [`model=${coqui.model}`, `device=${python.device}`];
    return openPython(coquiProfile(coqui), 'coqui', settings, options);
  },
  kokoro: ({ engines }) => overHttp((http) => createKokoroEngine({ baseUrl: engines.kokoro.url, http })),
  chatterbox: ({ engines }) =>
    overHttp((http) => createChatterboxEngine({ baseUrl: engines.chatterbox.url, http })),
  coqui: ({ engines }) => {
    const { url, languages, speakers } = engines.coqui;
    const named = speakers.length === 0 ? undefined : speakers;
    return overHttp((http) => createCoquiEngine({ baseUrl: url, http, languages, speakers: named }));
  },
  elevenlabs: ({ engines }) => {
    const { url, apiKey, model } = engines.elevenlabs;
    const key = apiKey?.text ?? '';
    return overHttp((http) => createElevenlabsEngine({ baseUrl: url, apiKey: key, modelId: model, http }));
  },
  edge: ({ engines }) => ({
    plugin: createEdgeEngine({ endpoint: engines.edge.url, connect: connectWebSocket, now: Date.now }),
    close: () => Promise.resolve(),
  }),
};

/** Makes an engine of the configuration; nothing is started or asked yet. */
export const openEngine = async (name: EngineName, options: OpenEngineOptions): Promise<OpenEngine> =>
  OPENERS[name](options);
