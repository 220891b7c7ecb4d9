import { type HttpSimulator, jsonAnswer, openHttpSimulator, type SimulatedAnswer } from './http-simulator.ts';
import { spokenTones } from './spoken-tones.ts';
import { wavFile } from './wav-file.ts';

export interface ChatterboxServerOptions {
  readonly port: number;
  /** Default `Emily.wav` and `Michael.wav`. */
  readonly voices?: readonly string[];
  /** Codes and names. Default: English only. */
  readonly languages?: Readonly<Record<string, string>>;
}

export interface ChatterboxServer extends HttpSimulator {
  /** Whether the model is in memory. */
  isLoaded: boolean;
  /** Uploaded recordings, by name. */
  readonly recordings: Map<string, Buffer>;
}

const RATE_HZ = 24_000;

interface TtsBody {
  readonly text?: unknown;
  readonly voice_mode?: unknown;
  readonly predefined_voice_id?: unknown;
  readonly reference_audio_filename?: unknown;
  readonly output_format?: unknown;
  readonly seed?: unknown;
  readonly speed_factor?: unknown;
  readonly language?: unknown;
  readonly exaggeration?: unknown;
}

const detail = (status: number, words: unknown): SimulatedAnswer => jsonAnswer(status, { detail: words });

const parse = (body: Buffer): TtsBody | undefined => {
  try {
    return JSON.parse(body.toString('utf8')) as TtsBody;
  } catch {
    return undefined;
  }
};

interface Part {
  readonly field: string;
  readonly fileName: string;
  readonly bytes: Buffer;
}

/** The files of a multipart body. */
const partsOf = async (body: Buffer, contentType: string): Promise<Part[]> => {
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': contentType },
  }).formData();
  const parts: Part[] = [];
  for (const [field, value] of form.entries()) {
    if (typeof value === 'string') continue;
    parts.push({ field, fileName: value.name, bytes: Buffer.from(await value.arrayBuffer()) });
  }
  return parts;
};

const speech = (asked: TtsBody): SimulatedAnswer => {
  // Seed 0 is chance, as in the model.
  const seed = asked.seed === undefined || asked.seed === 0 ? Math.random() : asked.seed;
  const speaker = asked.voice_mode === 'clone' ? asked.reference_audio_filename : asked.predefined_voice_id;
  const voice = [speaker, seed, asked.language, asked.exaggeration].map(String).join();
  const speed = typeof asked.speed_factor === 'number' ? asked.speed_factor : 1;
  const samples = spokenTones({ text: String(asked.text), voice, speed, sampleRateHz: RATE_HZ });
  return {
    status: 200,
    headers: {
      'content-type': 'audio/wav',
      'content-disposition': 'attachment; filename="tts_output_20260101_000000.wav"',
    },
    body: wavFile({ samples, sampleRateHz: RATE_HZ }),
  };
};

/** Chatterbox-TTS-Server on a loopback port: while it speaks it answers nobody. It speaks tones. */
export const openChatterboxServer = async ({
  port,
  voices = ['Emily.wav', 'Michael.wav'],
  languages = { en: 'English' },
}: ChatterboxServerOptions): Promise<ChatterboxServer> => {
  const state = { isLoaded: true };
  const recordings = new Map<string, Buffer>();
  let lastWork: Promise<unknown> = Promise.resolve();

  const refusalOf = (asked: TtsBody | undefined): SimulatedAnswer | undefined => {
    if (typeof asked?.text !== 'string' || asked.text === '') {
      return detail(422, [{ type: 'missing', loc: ['body', 'text'], msg: 'Field required' }]);
    }
    if (!state.isLoaded) return detail(503, 'TTS engine model is not currently loaded or available.');
    if (asked.voice_mode === 'clone') {
      const name = asked.reference_audio_filename;
      if (typeof name !== 'string') {
        return detail(400, "Missing 'reference_audio_filename' for 'clone' voice mode.");
      }
      return recordings.has(name) ? undefined : detail(404, `Reference audio file '${name}' not found.`);
    }
    const voice = asked.predefined_voice_id;
    if (typeof voice !== 'string')
      return detail(400, "Missing 'predefined_voice_id' for 'predefined' voice mode.");
    return voices.includes(voice) ? undefined : detail(404, `Predefined voice file '${voice}' not found.`);
  };

  const upload = async (body: Buffer, contentType: string): Promise<SimulatedAnswer> => {
    const files = (await partsOf(body, contentType)).filter(({ field }) => field === 'files');
    if (files.length === 0) {
      return detail(422, [{ type: 'missing', loc: ['body', 'files'], msg: 'Field required' }]);
    }
    const uploaded: string[] = [];
    const errors: { filename: string; error: string }[] = [];
    for (const { fileName, bytes } of files) {
      if (!/\.(wav|mp3)$/iu.test(fileName)) {
        errors.push({ filename: fileName, error: 'Invalid file type. Only .wav and .mp3 are allowed.' });
      } else if (!recordings.has(fileName) && bytes.length < 100) {
        errors.push({ filename: fileName, error: 'Error reading audio file: too short' });
      } else {
        if (!recordings.has(fileName)) recordings.set(fileName, bytes);
        uploaded.push(fileName);
      }
    }
    return jsonAnswer(errors.length === 0 || uploaded.length > 0 ? 200 : 400, {
      message: `Processed ${files.length} file(s).`,
      uploaded_files: uploaded,
      all_reference_files: [...recordings.keys()],
      errors,
    });
  };

  const modelInfo = (): SimulatedAnswer =>
    jsonAnswer(
      200,
      state.isLoaded
        ? {
            loaded: true,
            type: Object.keys(languages).length > 1 ? 'multilingual' : 'original',
            class_name: 'ChatterboxTTS',
            device: 'cpu',
            sample_rate: RATE_HZ,
            supports_paralinguistic_tags: false,
            supported_languages: languages,
          }
        : { loaded: false, type: null, class_name: null, device: null, sample_rate: null },
    );

  const simulator = await openHttpSimulator({
    port,
    answer: async ({ method, path, body, headers }, atWork) => {
      const before = lastWork;
      let done: (() => void) | undefined;
      lastWork = new Promise<void>((resolve) => {
        done = resolve;
      });
      await before;
      try {
        switch (`${method} ${path}`) {
          case 'POST /tts': {
            const asked = parse(body);
            const refusal = refusalOf(asked);
            if (refusal !== undefined || asked === undefined) return refusal ?? detail(422, []);
            await atWork();
            return speech(asked);
          }
          case 'POST /upload_reference':
            return await upload(body, headers['content-type'] ?? '');
          case 'GET /api/model-info':
            return modelInfo();
          case 'GET /get_predefined_voices':
            return jsonAnswer(
              200,
              voices.map((filename) => ({ display_name: filename.replace(/\.\w+$/u, ''), filename })),
            );
          case 'GET /get_reference_files':
            return jsonAnswer(200, [...recordings.keys()]);
          default:
            return detail(404, 'Not Found');
        }
      } finally {
        done?.();
      }
    },
  });
  // Kept as it is: a copy would lose its getters.
  return Object.defineProperties(simulator as ChatterboxServer, {
    isLoaded: {
      get: () => state.isLoaded,
      set: (isLoaded: boolean) => {
        state.isLoaded = isLoaded;
      },
    },
    recordings: { value: recordings },
  });
};
