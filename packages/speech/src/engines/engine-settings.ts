import { SecretText } from '@taleback/core';
import { z } from 'zod';
import { type EngineProfile, prefixOf, readProfile } from './engine-profiles.ts';

/** Every engine by its name in `ENGINES`. Those that end with `-python`, and espeak-ng, run in a Python child process. */
export const ENGINE_NAMES = [
  'flite',
  'espeak-ng',
  'kokoro',
  'chatterbox',
  'chatterbox-python',
  'coqui',
  'coqui-python',
  'elevenlabs',
  'edge',
] as const;

export type ShippedEngineName = (typeof ENGINE_NAMES)[number];

/** `python:module:Class` is a subclass of taleback_speech.engine.Engine, `module:FILE` a file of JavaScript. */
export type OwnEngineName = `python:${string}` | `module:${string}`;

export type EngineName = ShippedEngineName | OwnEngineName;

/**
 * Whether an engine is not one of ours.
 *
 * @example
 * isOwnEngine('module:./my-engine.js'); // true
 */
export const isOwnEngine = (name: string): name is OwnEngineName =>
  /^python:[\w.]+:\w+$|^module:./u.test(name);

const isEngineName = (name: string): name is EngineName =>
  isOwnEngine(name) || ENGINE_NAMES.some((known) => known === name);

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const word = z.string().min(1);
const list = (fallback: string) => z.string().default(fallback).transform(splitList);
const address = (fallback: string, protocol = /^https?$/) =>
  z
    .url({ protocol, error: `must be an address such as ${fallback}` })
    .default(fallback)
    .transform((url) => url.replace(/\/+$/, ''));

const engineList = z
  .string()
  .default('flite')
  .transform((text, context): readonly [EngineName, ...EngineName[]] => {
    const names = splitList(text);
    const [first, ...others] = names.filter(isEngineName);
    if (first !== undefined && others.length === names.length - 1 && new Set(names).size === names.length) {
      return [first, ...others];
    }
    const own = 'python:MODULE:CLASS or module:FILE';
    const message = `must be some of ${ENGINE_NAMES.join(', ')}, ${own}, each once`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** Environment variables of the engines, for the zod object of an application. */
export const enginesEnvironment = {
  ENGINES: engineList.describe(
    'Engines in the order of preference, separated by commas: flite (embedded), espeak-ng, kokoro, chatterbox, chatterbox-python, coqui, coqui-python, elevenlabs, edge; `python:MODULE:CLASS` and `module:FILE` are engines of your own. When one fails, the next that speaks the language takes over.',
  ),
  VOICES_TRIED: z.coerce
    .number()
    .int()
    .min(1)
    .max(10)
    .default(2)
    .describe(
      'Voices of one engine that are tried before the next engine. 1 to 10. Two: a voice and its substitute.',
    ),
  KOKORO_URL: address('http://127.0.0.1:8880').describe('Address of Kokoro-FastAPI.'),
  CHATTERBOX_URL: address('http://127.0.0.1:8004').describe('Address of Chatterbox-TTS-Server.'),
  CHATTERBOX_VARIANT: z
    .enum(['english', 'multilingual'])
    .default('english')
    .describe('Model that chatterbox-python loads. The multilingual one speaks 23 languages and is slower.'),
  CHATTERBOX_VOICES: word
    .optional()
    .describe(
      'Folder whose recordings are voices of chatterbox-python, by their file names. Default: its own voice only.',
    ),
  COQUI_URL: address('http://127.0.0.1:5002').describe('Address of the Coqui TTS server.'),
  COQUI_LANGUAGES: list('en').describe(
    'Languages that the model of the Coqui server speaks, as BCP 47 tags separated by commas.',
  ),
  COQUI_SPEAKERS: list('').describe(
    'Speakers of the model of the Coqui server, separated by commas; empty for a model of one voice.',
  ),
  COQUI_MODEL: word
    .default('tts_models/en/jenny/jenny')
    .describe('Model that coqui-python loads, as Coqui names it.'),
  ELEVENLABS_API_KEY: z
    .string()
    .trim()
    .optional()
    .transform((text) => (text ? new SecretText(text) : undefined))
    .describe('Key of the ElevenLabs account. Needed by the engine elevenlabs. Secret.'),
  ELEVENLABS_URL: address('https://api.elevenlabs.io').describe('Address of the ElevenLabs API.'),
  ELEVENLABS_MODEL: word.default('eleven_multilingual_v2').describe('Model that ElevenLabs speaks with.'),
  EDGE_URL: address(
    'wss://speech.platform.bing.com/consumer/speech/synthesize/readaloud/edge/v1',
    /^wss?$/,
  ).describe('Address of the Edge voices. An unofficial API that may stop working.'),
  SPEECH_DEVICE: word
    .default('auto')
    .describe('Where Python models run: auto, cpu, cuda, cuda:1 and the like, as PyTorch names devices.'),
  PYTHON: word.default('python3').describe('The Python that hosts espeak-ng, Chatterbox and Coqui.'),
  PYTHON_FOLDER: word
    .optional()
    .describe('Folder of the package taleback_speech. Default: the one that comes with @taleback/speech.'),
};

type Environment = Readonly<Record<string, string | undefined>>;

const familyOf = (engine: string): string => prefixOf(engine).replace(/_.*/, '_');
const FAMILIES = new Set(ENGINE_NAMES.map(familyOf));

/**
 * The environment without what belongs to engines that are not in ENGINES: it may be wrong, and nothing reads it.
 *
 * @example
 * import { withoutUnusedEngines } from '@taleback/speech';
 * withoutUnusedEngines({ ENGINES: 'flite', KOKORO_URL: 'none' }); // { ENGINES: 'flite' }
 */
export const withoutUnusedEngines = (environment: Environment): Environment => {
  const used = splitList(environment['ENGINES'] ?? 'flite').map(familyOf);
  const belongs = (name: string): boolean => !FAMILIES.has(familyOf(name)) || used.includes(familyOf(name));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => belongs(name)));
};

/**
 * The settings of all engines, as `openEngine` takes them.
 *
 * @param environment has the variables of `profileSettings`. Default: none
 * @throws Error that names the variable which an engine needs, or that is at fault
 *
 * @example
 * import { enginesEnvironment, toEnginesConfig } from '@taleback/speech';
 * import { z } from 'zod';
 * const env = z.object(enginesEnvironment).parse({ ENGINES: 'kokoro,flite' });
 * toEnginesConfig(env).names; // ['kokoro', 'flite']
 */
export const toEnginesConfig = (
  env: z.output<z.ZodObject<typeof enginesEnvironment>>,
  environment: Environment = {},
) => {
  if (env.ENGINES.includes('elevenlabs') && env.ELEVENLABS_API_KEY === undefined) {
    throw new Error('configuration: ELEVENLABS_API_KEY: is needed by the engine elevenlabs');
  }
  return {
    /** In the order of preference. */
    names: env.ENGINES,
    mostVoices: env.VOICES_TRIED,
    profiles: Object.fromEntries(
      env.ENGINES.map((name) => [name, readProfile(name, environment)]),
    ) as Readonly<Partial<Record<string, EngineProfile>>>,
    kokoro: { url: env.KOKORO_URL },
    chatterbox: {
      url: env.CHATTERBOX_URL,
      variant: env.CHATTERBOX_VARIANT,
      voicesFolder: env.CHATTERBOX_VOICES,
    },
    coqui: {
      url: env.COQUI_URL,
      languages: env.COQUI_LANGUAGES,
      speakers: env.COQUI_SPEAKERS,
      model: env.COQUI_MODEL,
    },
    elevenlabs: { url: env.ELEVENLABS_URL, apiKey: env.ELEVENLABS_API_KEY, model: env.ELEVENLABS_MODEL },
    edge: { url: env.EDGE_URL },
    python: { command: env.PYTHON, folder: env.PYTHON_FOLDER, device: env.SPEECH_DEVICE },
  };
};

export type EnginesConfig = Readonly<ReturnType<typeof toEnginesConfig>>;
