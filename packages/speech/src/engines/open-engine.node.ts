import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { type EnginePlugin, isRemote } from '../pool/speech-line.ts';
import { createChatterboxEngine } from './chatterbox/chatterbox-engine.ts';
import { createCoquiEngine } from './coqui/coqui-engine.ts';
import { createEdgeEngine, edgeVoicesUrl } from './edge/edge-engine.ts';
import { type EngineProfile, ownNumbers, policyOf } from './engine-profiles.ts';
import { createElevenlabsEngine } from './elevenlabs/elevenlabs-engine.ts';
import type { RemoteEngine, SpeechProfile } from './engine.ts';
import {
  type EngineName,
  type EnginesConfig,
  isOwnEngine,
  type ShippedEngineName,
} from './engine-settings.ts';
import { type FlitePluginOptions, openFlitePlugin, openPythonPlugin } from './hosted-plugins.node.ts';
import { createKokoroEngine, type KokoroEngineOptions } from './kokoro/kokoro-engine.ts';
import { openOwnEngine } from './own-engine.node.ts';
import { chatterboxProfile, coquiProfile, ESPEAK_PROFILE } from './python-profiles.ts';
import { openSpeechHttp } from './remote/speech-http.node.ts';

export interface OpenEngineOptions extends Omit<FlitePluginOptions, 'childFile'> {
  readonly engines: EnginesConfig;
}

export interface OpenEngine {
  readonly plugin: EnginePlugin;
  /** What its sound depends on besides its name, as far as the configuration determines it. */
  readonly version: string;
  /** Closes its connections and removes its files. */
  readonly close: () => Promise<void>;
}

type RemoteParts = Pick<KokoroEngineOptions, 'http' | 'policy'>;

/** @param version default: the address of the service */
const overHttp = (
  profile: EngineProfile | undefined,
  create: (parts: RemoteParts) => RemoteEngine,
  version?: string,
): OpenEngine => {
  const { http, close } = openSpeechHttp();
  const plugin = create({ http, policy: profile && policyOf(profile) });
  return { plugin, version: version ?? plugin.endpoint, close };
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
  { engines: { python }, ...options }: OpenEngineOptions,
): Promise<OpenEngine> => {
  const opened = await openPythonPlugin({
    ...options,
    profile,
    engine,
    pythonFolder: python.folder,
    python: python.command,
    args: settings.flatMap((setting) => ['--option', setting]),
    // One model speaks with all of an engine's voices.
    modelOf: () => profile.name,
  });
  return { ...opened, version: `${settings.join(' ')} ${version}` };
};

/** @see packages/speech/python/taleback_speech/engines/chatterbox.py */
const RECORDING_ENDINGS: readonly string[] = ['.wav', '.mp3', '.flac', '.ogg'];

const openChatterboxPython = async (options: OpenEngineOptions): Promise<OpenEngine> => {
  const { chatterbox, python } = options.engines;
  const { variant, voicesFolder } = chatterbox;
  const settings = [`variant=${variant}`, `device=${python.device}`];
  if (voicesFolder === undefined) {
    return openPython({ profile: chatterboxProfile(variant, []), engine: 'chatterbox', settings }, options);
  }
  const found = await readdir(voicesFolder).catch((error: Error) => {
    throw new Error(`configuration: CHATTERBOX_VOICES: ${error.message}`, { cause: error });
  });
  const entries = found.sort().map((file) => ({ file, ...parse(file) }));
  const recordings = entries.filter(({ ext }) => RECORDING_ENDINGS.includes(ext));
  const facts = recordings.map(async ({ file }) => {
    const { size, mtimeMs } = await stat(join(voicesFolder, file));
    return [file, size, mtimeMs];
  });
  // It changes when a recording does.
  const version = createHash('sha256')
    .update(JSON.stringify(await Promise.all(facts)))
    .digest('hex');
  const profile = chatterboxProfile(
    variant,
    recordings.map(({ name }) => name),
  );
  return openPython(
    { profile, engine: 'chatterbox', settings: [...settings, `voices=${voicesFolder}`], version },
    options,
  );
};

const OPENERS: Readonly<
  Record<ShippedEngineName, (options: OpenEngineOptions) => OpenEngine | Promise<OpenEngine>>
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
  kokoro: ({ engines: { kokoro, profiles } }) =>
    overHttp(profiles.kokoro, (parts) => createKokoroEngine({ baseUrl: kokoro.url, ...parts })),
  chatterbox: ({ engines: { chatterbox, profiles } }) =>
    overHttp(profiles.chatterbox, (parts) => createChatterboxEngine({ baseUrl: chatterbox.url, ...parts })),
  coqui: ({ engines: { coqui, profiles } }) =>
    overHttp(profiles.coqui, (parts) => createCoquiEngine({ ...coqui, baseUrl: coqui.url, ...parts })),
  elevenlabs: ({ engines: { elevenlabs, profiles } }) => {
    const { url: baseUrl, apiKey, model: modelId } = elevenlabs;
    const options = { baseUrl, apiKey: apiKey?.text ?? '', modelId };
    return overHttp(
      profiles.elevenlabs,
      (parts) => createElevenlabsEngine({ ...options, ...parts }),
      modelId,
    );
  },
  edge: ({ engines: { edge, profiles } }) => {
    const options = { endpoint: edge.url, voicesUrl: edgeVoicesUrl(edge.url) };
    return overHttp(profiles.edge, (parts) => createEdgeEngine({ ...options, ...parts }), edge.url);
  },
};

/**
 * Creates an engine from the settings; nothing is started or requested yet, but an engine of the user's own describes itself.
 *
 * @throws Error `configuration: …` that names the variable at fault
 *
 * @example
 * import { enginesEnvironment, openEngine, toEnginesConfig } from '@taleback/speech';
 * import { z } from 'zod';
 * const engines = toEnginesConfig(z.object(enginesEnvironment).parse({}));
 * const options = { engines, versions: ['2.1.0'], environment: {}, log: () => {} } as const;
 * const { plugin, close } = await openEngine('kokoro', options);
 * await close();
 */
export const openEngine = async (name: EngineName, options: OpenEngineOptions): Promise<OpenEngine> => {
  if (isOwnEngine(name)) return openOwnEngine(name, options);
  const { plugin, ...opened } = await OPENERS[name](options);
  const profile = options.engines.profiles[name];
  if (isRemote(plugin) || profile === undefined) return { ...opened, plugin };
  return { ...opened, plugin: { ...plugin, numbers: ownNumbers(profile) } };
};
