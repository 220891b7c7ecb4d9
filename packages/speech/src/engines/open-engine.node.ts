import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import type { ResilienceProfile } from '@taleback/resilience';
import { type EnginePlugin, isRemote } from '../pool/speech-line.ts';
import { createChatterboxEngine } from './chatterbox/chatterbox-engine.ts';
import { createCoquiEngine } from './coqui/coqui-engine.ts';
import { createEdgeEngine, edgeVoicesUrl } from './edge/edge-engine.ts';
import { ownNumbers, policyOf } from './engine-profiles.ts';
import { createElevenlabsEngine } from './elevenlabs/elevenlabs-engine.ts';
import type { RemoteEngine, SpeechProfile } from './engine.ts';
import {
  type EngineName,
  type EnginesConfig,
  isOwnEngine,
  type ShippedEngineName,
} from './engine-settings.ts';
import { type FlitePluginOptions, openFlitePlugin, openPythonPlugin } from './hosted-plugins.node.ts';
import { createKokoroEngine } from './kokoro/kokoro-engine.ts';
import { openOwnEngine } from './own-engine.node.ts';
import { chatterboxProfile, coquiProfile, ESPEAK_PROFILE } from './python-profiles.ts';
import { openSpeechHttp, type SpeechHttp } from './remote/speech-http.node.ts';

export interface OpenEngineOptions extends Omit<FlitePluginOptions, 'childFile'> {
  readonly engines: EnginesConfig;
}

const policyFor = (name: EngineName, { profiles }: EnginesConfig): ResilienceProfile | undefined => {
  const profile = profiles[name];
  return profile && policyOf(profile);
};

export interface OpenEngine {
  readonly plugin: EnginePlugin;
  /** What its sound depends on besides its name, as far as the configuration determines it. */
  readonly version: string;
  /** Closes its connections and removes its files. */
  readonly close: () => Promise<void>;
}

/** @param version default: the address of the service */
const overHttp = (create: (http: SpeechHttp) => RemoteEngine, version?: string): OpenEngine => {
  const { http, close } = openSpeechHttp();
  const plugin = create(http);
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
  kokoro: ({ engines }) => {
    const policy = policyFor('kokoro', engines);
    return overHttp((http) => createKokoroEngine({ baseUrl: engines.kokoro.url, policy, http }));
  },
  chatterbox: ({ engines }) => {
    const policy = policyFor('chatterbox', engines);
    return overHttp((http) => createChatterboxEngine({ baseUrl: engines.chatterbox.url, policy, http }));
  },
  coqui: ({ engines }) => {
    const { url: baseUrl, ...coqui } = engines.coqui;
    const policy = policyFor('coqui', engines);
    return overHttp((http) => createCoquiEngine({ ...coqui, baseUrl, policy, http }));
  },
  elevenlabs: ({ engines }) => {
    const { url: baseUrl, apiKey, model: modelId } = engines.elevenlabs;
    const policy = policyFor('elevenlabs', engines);
    const create = (http: SpeechHttp) =>
      createElevenlabsEngine({ baseUrl, apiKey: apiKey?.text ?? '', modelId, policy, http });
    return overHttp(create, modelId);
  },
  edge: ({ engines }) => {
    const { url: endpoint } = engines.edge;
    const policy = policyFor('edge', engines);
    const voicesUrl = edgeVoicesUrl(endpoint);
    return overHttp((http) => createEdgeEngine({ endpoint, voicesUrl, policy, http }), endpoint);
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
