import { SecretText } from '@taleback/core';
import { z } from 'zod';

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

export type EngineName = (typeof ENGINE_NAMES)[number];

const isEngineName = (name: string): name is EngineName => ENGINE_NAMES.some((known) => known === name);

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const address = (fallback: string, protocol = /^https?$/) =>
  z
    .url({ protocol, error: `must be an address such as ${fallback}` })
    .default(fallback)
    .transform((url) => url.replace(/\/+$/, ''));

const secret = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text.trim() === '' ? undefined : new SecretText(text.trim())));

/** Environment variables of the engines, for the zod object of an application. */
export const enginesEnvironment = {
  ENGINES: z
    .string()
    .default('flite')
    .transform((text, context): readonly [EngineName, ...EngineName[]] => {
      const names = list(text);
      const [first, ...others] = names.filter(isEngineName);
      if (first !== undefined && others.length === names.length - 1 && new Set(names).size === names.length) {
        return [first, ...others];
      }
      context.addIssue({ code: 'custom', message: `must be some of ${ENGINE_NAMES.join(', ')}, each once` });
      return z.NEVER;
    })
    .describe(
      'Engines in the order of preference, separated by commas: flite (embedded), espeak-ng, kokoro, chatterbox, chatterbox-python, coqui, coqui-python, elevenlabs, edge. When one fails, the next that speaks the language takes over.',
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
  CHATTERBOX_VOICES: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder whose recordings are voices of chatterbox-python, by their file names. Default: its own voice only.',
    ),
  COQUI_URL: address('http://127.0.0.1:5002').describe('Address of the Coqui TTS server.'),
  COQUI_LANGUAGES: z
    .string()
    .default('en')
    .transform(list)
    .describe('Languages that the model of the Coqui server speaks, as BCP 47 tags separated by commas.'),
  COQUI_SPEAKERS: z
    .string()
    .default('')
    .transform(list)
    .describe(
      'Speakers of the model of the Coqui server, separated by commas; empty for a model of one voice.',
    ),
  COQUI_MODEL: z
    .string()
    .min(1)
    .default('tts_models/en/jenny/jenny')
    .describe('Model that coqui-python loads, as Coqui names it.'),
  ELEVENLABS_API_KEY: secret.describe(
    'Key of the ElevenLabs account. Needed by the engine elevenlabs. Secret.',
  ),
  ELEVENLABS_URL: address('https://api.elevenlabs.io').describe('Address of the ElevenLabs API.'),
  ELEVENLABS_MODEL: z
    .string()
    .min(1)
    .default('eleven_multilingual_v2')
    .describe('Model that ElevenLabs speaks with.'),
  EDGE_URL: address(
    'wss://speech.platform.bing.com/consumer/speech/synthesize/readaloud/edge/v1',
    /^wss?$/,
  ).describe('Address of the Edge voices. An unofficial API that may stop working.'),
  SPEECH_DEVICE: z
    .string()
    .min(1)
    .default('auto')
    .describe('Where Python models run: auto, cpu, cuda, cuda:1 and the like, as PyTorch names devices.'),
  PYTHON: z
    .string()
    .min(1)
    .default('python3')
    .describe('The Python that hosts espeak-ng, Chatterbox and Coqui.'),
  PYTHON_FOLDER: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of the package taleback_speech. Default: the one that comes with @taleback/speech.'),
};

type EnginesEnvironment = z.output<z.ZodObject<typeof enginesEnvironment>>;

/**
 * @throws Error that names the variable which an engine needs
 *
 * @example
 * import { enginesEnvironment, toEnginesConfig } from '@taleback/speech';
 * import { z } from 'zod';
 * const env = z.object(enginesEnvironment).parse({ ENGINES: 'kokoro,flite' });
 * toEnginesConfig(env).names; // ['kokoro', 'flite']
 */
export const toEnginesConfig = (env: EnginesEnvironment) => {
  if (env.ENGINES.includes('elevenlabs') && env.ELEVENLABS_API_KEY === undefined) {
    throw new Error('configuration: ELEVENLABS_API_KEY: is needed by the engine elevenlabs');
  }
  return {
    /** In the order of preference. */
    names: env.ENGINES,
    mostVoices: env.VOICES_TRIED,
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

/** The settings of all engines, as `openEngine` takes them. */
export type EnginesConfig = Readonly<ReturnType<typeof toEnginesConfig>>;
