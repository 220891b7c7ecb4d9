import { type HttpSimulator, jsonAnswer, openHttpSimulator, type SimulatedAnswer } from './http-simulator.ts';
import { spokenTones } from './spoken-tones.ts';
import { wavFile } from './wav-file.ts';

export interface KokoroServerOptions {
  readonly port: number;
  /** Default: two American voices, a British, a Spanish and a Japanese one. */
  readonly voices?: readonly string[];
  /** Lists voices as releases before 0.3 did. */
  readonly isLegacy?: boolean;
  /** Default `kokoro` and the names of OpenAI's models. */
  readonly models?: readonly string[];
}

const VOICES = ['af_heart', 'af_bella', 'bf_emma', 'ef_dora', 'jf_alpha'];
const MODELS = ['tts-1', 'tts-1-hd', 'kokoro'];
const RATE_HZ = 24_000;
const LANG_CODES = 'abefhijpz';

interface SpeechBody {
  readonly model?: unknown;
  readonly input?: unknown;
  readonly voice?: unknown;
  readonly response_format?: unknown;
  readonly speed?: unknown;
  readonly stream?: unknown;
  readonly lang_code?: unknown;
}

const fault = (status: number, error: string, message: string): SimulatedAnswer =>
  jsonAnswer(status, {
    detail: { error, message, type: status < 500 ? 'invalid_request_error' : 'server_error' },
  });

const fieldFault = (field: string, msg: string): SimulatedAnswer =>
  jsonAnswer(422, { detail: [{ type: 'value_error', loc: ['body', field], msg, input: null }] });

const parse = (body: Buffer): SpeechBody | undefined => {
  try {
    return JSON.parse(body.toString('utf8')) as SpeechBody;
  } catch {
    return undefined;
  }
};

const speech = (asked: SpeechBody): SimulatedAnswer => {
  const { input, voice, speed = 1, lang_code: code = '', response_format: format } = asked;
  const samples = spokenTones({
    text: String(input),
    voice: `${String(voice)}${JSON.stringify(code)}`,
    speed: Number(speed),
    sampleRateHz: RATE_HZ,
  });
  return {
    status: 200,
    headers: {
      'content-type': `audio/${String(format)}`,
      'content-disposition': `attachment; filename=speech.${String(format)}`,
      'cache-control': 'no-cache',
    },
    body:
      format === 'pcm'
        ? Buffer.from(samples.buffer)
        : wavFile({ samples, sampleRateHz: RATE_HZ, claimedBytes: 0xffff_ffff, comment: 'INFOISFT' }),
  };
};

/** Kokoro-FastAPI on a loopback port. It speaks tones. */
export const openKokoroServer = ({
  port,
  voices = VOICES,
  isLegacy = false,
  models = MODELS,
}: KokoroServerOptions): Promise<HttpSimulator> => {
  const refusalOf = (asked: SpeechBody | undefined): SimulatedAnswer | undefined => {
    if (asked === undefined) return fieldFault('body', 'JSON decode error');
    const {
      model = 'kokoro',
      input,
      voice = 'af_heart',
      speed = 1,
      response_format = 'mp3',
      stream = true,
    } = asked;
    if (typeof input !== 'string') return fieldFault('input', 'Field required');
    if (typeof speed !== 'number' || speed < 0.25 || speed > 4) {
      return fieldFault('speed', 'Input should be greater than or equal to 0.25');
    }
    if (!models.includes(String(model)))
      return fault(400, 'invalid_model', `Unsupported model: ${String(model)}`);
    if (stream !== false || (response_format !== 'wav' && response_format !== 'pcm')) {
      return fault(500, 'processing_error', 'not simulated: a stream, or a compressed format');
    }
    const parts = String(voice)
      .split(/[+-]/u)
      .map((part) => part.replace(/\(.*$/u, ''));
    const unknown = parts.find((part) => !voices.includes(part));
    if (unknown !== undefined) {
      const there = [...voices].sort().join(', ');
      return fault(400, 'validation_error', `Voice '${unknown}' not found. Available voices: ${there}`);
    }
    const code = asked.lang_code ?? String(voice).slice(0, 1);
    if (typeof code !== 'string' || !LANG_CODES.includes(code.toLowerCase())) {
      return fault(500, 'processing_error', `Error in phoneme generation: ${JSON.stringify(code)}`);
    }
    return undefined;
  };

  return openHttpSimulator({
    port,
    answer: async ({ method, path, query, body }, atWork) => {
      switch (`${method} ${path}`) {
        case 'POST /v1/audio/speech': {
          const asked = parse(body);
          const refusal = refusalOf(asked);
          if (refusal !== undefined || asked === undefined) return refusal ?? fieldFault('body', 'missing');
          await atWork();
          return speech(asked);
        }
        case 'GET /v1/audio/voices':
          return isLegacy || query.get('legacy') === 'true'
            ? jsonAnswer(200, { voices })
            : jsonAnswer(200, { voices: voices.map((id) => ({ id, name: id })) });
        case 'GET /v1/models':
          return jsonAnswer(200, {
            object: 'list',
            data: models.map((id) => ({ id, object: 'model', created: 1_686_935_002, owned_by: 'kokoro' })),
          });
        case 'GET /health':
          return jsonAnswer(200, { status: 'healthy' });
        default:
          return jsonAnswer(404, { detail: 'Not Found' });
      }
    },
  });
};
