import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Log } from '@taleback/core';
import type { EnginePlugin } from '../pool/speech-line.ts';
import type { ProtocolVersion } from '../protocol/protocol.ts';
import { createChatterboxEngine } from './chatterbox/chatterbox-engine.ts';
import { createCoquiEngine } from './coqui/coqui-engine.ts';
import { createEdgeEngine, edgeVoicesUrl } from './edge/edge-engine.ts';
import { connectWebSocket } from './edge/edge-socket.node.ts';
import { createElevenlabsEngine } from './elevenlabs/elevenlabs-engine.ts';
import type { RemoteEngine, SpeechProfile } from './engine.ts';
import type { EngineName, EnginesConfig } from './engine-settings.ts';
import { openFlitePlugin, openPythonPlugin } from './hosted-plugins.node.ts';
import { createKokoroEngine } from './kokoro/kokoro-engine.ts';
import { chatterboxProfile, coquiProfile, ESPEAK_PROFILE } from './python-profiles.ts';
import { openSpeechHttp, type SpeechHttp } from './remote/speech-http.node.ts';

export interface OpenEngineOptions {
  readonly engines: EnginesConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly versions: readonly ProtocolVersion[];
  readonly log: Log;
}

export interface OpenEngine {
  readonly plugin: EnginePlugin;
  /** What its sound depends on besides its name, as far as the configuration determines it. */
  readonly version: string;
  /** Closes its connections and removes its files. */
  readonly close: () => Promise<void>;
}

const overHttp = (create: (http: SpeechHttp) => RemoteEngine): OpenEngine => {
  const { http, close } = openSpeechHttp();
  const plugin = create(http);
  return { plugin, version: plugin.endpoint, close };
};

interface PythonEngine {
  readonly profile: SpeechProfile;
  /** Its name in Python. */
  readonly engine: string;
  readonly settings: readonly string[];
  /** What its sound depends on besides the settings. */
  readonly version?: string;
}

const openPython = async (
  { profile, engine, settings, version = '' }: PythonEngine,
  { engines, environment, versions, log }: OpenEngineOptions,
): Promise<OpenEngine> => {
  const opened = await openPythonPlugin({
    profile,
    engine,
    pythonFolder: engines.python.folder,
    python: engines.python.command,
    args: settings.flatMap((setting) => ['--option', setting]),
    // One model speaks with all of an engine's voices.
    modelOf: () => profile.name,
    environment,
    versions,
    log,
  });
  return { ...opened, version: `${settings.join(' ')} ${version}` };
};

/** Changes when a recording does. */
const versionOfFiles = async (folder: string, files: readonly string[]): Promise<string> => {
  const facts = await Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs } = await stat(join(folder, file));
      return [file, size, mtimeMs];
    }),
  );
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
};

const openChatterboxPython = async (options: OpenEngineOptions): Promise<OpenEngine> => {
  const { engines } = options;
  const { variant, voicesFolder } = engines.chatterbox;
  const settings = [`variant=${variant}`, `device=${engines.python.device}`];
  if (voicesFolder === undefined) {
    return openPython({ profile: chatterboxProfile(variant, []), engine: 'chatterbox', settings }, options);
  }
  const files = (await readdir(voicesFolder)).filter((file) => RECORDING_ENDINGS.has(extname(file))).sort();
  const recordings = files.map((file) => basename(file, extname(file)));
  return openPython(
    {
      profile: chatterboxProfile(variant, recordings),
      engine: 'chatterbox',
      settings: [...settings, `voices=${voicesFolder}`],
      version: await versionOfFiles(voicesFolder, files),
    },
    options,
  );
};

/** @see packages/speech/python/taleback_speech/engines/chatterbox.py */
const RECORDING_ENDINGS: ReadonlySet<string> = new Set(['.wav', '.mp3', '.flac', '.ogg']);

const OPENERS: Readonly<
  Record<EngineName, (options: OpenEngineOptions) => OpenEngine | Promise<OpenEngine>>
> = {
  flite: async (options) => ({ ...(await openFlitePlugin(options)), version: '1' }),
  'espeak-ng': (options) =>
    openPython({ profile: ESPEAK_PROFILE, engine: 'espeak_ng', settings: [] }, options),
  'chatterbox-python': openChatterboxPython,
  'coqui-python': (options) => {
    const { coqui, python } = options.engines;
    const settings = [`model=${coqui.model}`, `device=${python.device}`];
    return openPython({ profile: coquiProfile(coqui), engine: 'coqui', settings }, options);
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
    const open = overHttp((http) =>
      createElevenlabsEngine({ baseUrl: url, apiKey: key, modelId: model, http }),
    );
    return { ...open, version: model };
  },
  edge: ({ engines }) => {
    const { url } = engines.edge;
    const about = { endpoint: url, voicesUrl: edgeVoicesUrl(url), connect: connectWebSocket, now: Date.now };
    return { ...overHttp((http) => createEdgeEngine({ ...about, http })), version: url };
  },
};

/**
 * Creates an engine from the settings; nothing is started or requested yet.
 *
 * @example
 * import { enginesEnvironment, openEngine, toEnginesConfig } from '@taleback/speech';
 * import { z } from 'zod';
 * const engines = toEnginesConfig(z.object(enginesEnvironment).parse({}));
 * const options = { engines, versions: ['2.1.0'], environment: {}, log: () => {} } as const;
 * const { plugin, close } = await openEngine('kokoro', options);
 * await close();
 */
export const openEngine = async (name: EngineName, options: OpenEngineOptions): Promise<OpenEngine> =>
  OPENERS[name](options);
