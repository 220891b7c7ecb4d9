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
  switch (name) {
    case 'flite':
    case 'espeak-ng':
      return '1';
    case 'kokoro':
      return kokoro.url;
    case 'chatterbox':
      return chatterbox.url;
    case 'chatterbox-python':
      return `${chatterbox.variant} ${chatterbox.voicesFolder ?? ''}`;
    case 'coqui':
      return coqui.url;
    case 'coqui-python':
      return coqui.model;
    case 'elevenlabs':
      return elevenlabs.model;
    case 'edge':
      return edge.url;
  }
};

/** Makes an engine of the configuration; nothing is started or asked yet. */
export const openEngine = async (name: EngineName, options: OpenEngineOptions): Promise<OpenEngine> => {
  const { engines, childFile, threadFile, environment, versions, log } = options;
  switch (name) {
    case 'flite':
      return openFlitePlugin({ childFile, threadFile, environment, versions, log });
    case 'espeak-ng':
      return openPython(ESPEAK_PROFILE, 'espeak_ng', [], options);
    case 'chatterbox-python':
      return openChatterboxPython(options);
    case 'coqui-python':
      return openPython(
        coquiProfile(engines.coqui),
        'coqui',
        [`model=${engines.coqui.model}`, `device=${engines.python.device}`],
        options,
      );
    case 'kokoro':
      return overHttp((http) => createKokoroEngine({ baseUrl: engines.kokoro.url, http }));
    case 'chatterbox':
      return overHttp((http) => createChatterboxEngine({ baseUrl: engines.chatterbox.url, http }));
    case 'coqui': {
      const { url, languages, speakers } = engines.coqui;
      return overHttp((http) =>
        createCoquiEngine({
          baseUrl: url,
          http,
          languages,
          speakers: speakers.length === 0 ? undefined : speakers,
        }),
      );
    }
    case 'elevenlabs': {
      const { url, apiKey, model } = engines.elevenlabs;
      return overHttp((http) =>
        createElevenlabsEngine({ baseUrl: url, apiKey: apiKey?.text ?? '', modelId: model, http }),
      );
    }
    case 'edge': {
      const plugin = createEdgeEngine({
        endpoint: engines.edge.url,
        connect: connectWebSocket,
        now: Date.now,
      });
      return { plugin, close: () => Promise.resolve() };
    }
  }
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
