import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGate } from '../../../../runpod-worker/test/gate.ts';
import { requestFaults, type SpeechBody } from './elevenlabs-wire.ts';
import { spokenTones } from './spoken-tones.ts';

/** What the service does with one request. */
export type ElevenlabsMode =
  | {
      readonly status: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Nothing, as long as the connection lives. */
  | 'hang'
  /** The connection is lost without an answer. */
  | 'reset'
  /** Half of the sound, then the connection is lost. */
  | 'cut'
  | 'silent'
  /** 200 without a byte. */
  | 'empty'
  /** Half a sample too much. */
  | 'odd';

export interface ElevenlabsServerOptions {
  readonly port: number;
  /** The key that is let in. Default `sk_simulated_key`. */
  readonly apiKey?: string;
  /** Requests at once. Default 5. */
  readonly maximumConcurrent?: number;
  /** Whether the two headers about concurrency are sent. Default: they are. */
  readonly tellsConcurrency?: boolean;
  /** Characters that may still be spoken. Default: as many as one likes. */
  readonly characters?: number;
}

export interface ElevenlabsCallLog {
  readonly method: string;
  readonly path: string;
  readonly apiKey: string | undefined;
  readonly json: Readonly<Record<string, unknown>> | undefined;
  readonly status: number;
}

export interface ElevenlabsServer {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Every call that was answered, or treated in another way (status 0). */
  readonly calls: readonly ElevenlabsCallLog[];
  /** The most requests of ours that were at work at once. */
  readonly peakConcurrency: number;
  /** Requests that are at work. */
  readonly inFlight: number;
  /** Requests of other programs with the same key. */
  foreign: number;
  maximumConcurrent: number;
  /** The next requests for speech are treated so, each once. */
  readonly script: (...modes: readonly ElevenlabsMode[]) => void;
  /** Requests for speech wait from now on; the function lets them go on. */
  readonly hold: () => () => void;
  /** Settles when so many requests are at work, right now. */
  readonly whenInFlight: (count: number) => Promise<void>;
  /** Safe to call twice. */
  readonly close: () => Promise<void>;
}

export const ELEVENLABS_VOICES = [
  {
    voice_id: '21m00Tcm4TlvDq8ikWAM',
    name: 'Rachel',
    category: 'premade',
    labels: { accent: 'american', gender: 'female', age: 'young', language: 'en', description: 'calm' },
  },
  {
    voice_id: 'zxK0nGd8Fs1kQpVh2mWe',
    name: 'Lukas',
    category: 'professional',
    labels: {
      accent: 'standard',
      gender: 'male',
      language: 'de',
      descriptive: 'warm',
      use_case: 'narration',
    },
  },
  { voice_id: 'ofNobody0000000000XX', name: 'Plain', category: 'cloned', labels: {} },
];

const RATE_HZ = 24_000;
const failure = (status: number, word: string, message: string) => ({
  status,
  json: { detail: { status: word, message } },
});

/** The ElevenLabs API on a loopback port: keys, voices, limits. It speaks tones. */
export const openElevenlabsServer = async (options: ElevenlabsServerOptions): Promise<ElevenlabsServer> => {
  const { port, apiKey = 'sk_simulated_key', tellsConcurrency = true } = options;
  const state = { foreign: 0, maximumConcurrent: options.maximumConcurrent ?? 5, inFlight: 0, peak: 0 };
  const calls: ElevenlabsCallLog[] = [];
  const scripted: ElevenlabsMode[] = [];
  const watching: { readonly count: number; readonly settle: () => void }[] = [];
  let characters = options.characters ?? Number.POSITIVE_INFINITY;
  let held: Promise<void> = Promise.resolve();

  const changeInFlight = (change: 1 | -1): void => {
    state.inFlight += change;
    state.peak = Math.max(state.peak, state.inFlight);
    for (const watch of watching.splice(0)) {
      if (watch.count === state.inFlight) watch.settle();
      else watching.push(watch);
    }
  };

  const concurrency = (): Readonly<Record<string, string>> =>
    tellsConcurrency
      ? {
          'current-concurrent-requests': String(state.inFlight + state.foreign),
          'maximum-concurrent-requests': String(state.maximumConcurrent),
        }
      : {};

  const speechMode = (
    voiceId: string,
    body: SpeechBody | undefined,
    format: string | null,
  ): ElevenlabsMode | undefined => {
    const faults = requestFaults(body);
    if (faults.length > 0) return { status: 422, json: { detail: faults } };
    if (format !== `pcm_${RATE_HZ}`) return failure(400, 'invalid_output_format', `No format ${format}`);
    if (!ELEVENLABS_VOICES.some(({ voice_id }) => voice_id === voiceId)) {
      return failure(400, 'voice_not_found', `A voice with the voice_id ${voiceId} was not found.`);
    }
    const { text, model_id, language_code } = body as SpeechBody;
    const limit = model_id.endsWith('v2_5') ? 40_000 : 10_000;
    if (text.length > limit) {
      return failure(400, 'max_character_limit_exceeded', `${text.length} characters, ${limit} are allowed.`);
    }
    if (language_code !== undefined && !/v2_5$|_v3$/u.test(model_id)) {
      return failure(400, 'unsupported_language', `Model ${model_id} does not take a language_code.`);
    }
    if (text.length > characters) return failure(401, 'quota_exceeded', `${characters} credits are left.`);
    characters -= text.length;
    return undefined;
  };

  const send = (response: ServerResponse, mode: Exclude<ElevenlabsMode, string>): void => {
    const isPage = mode.text !== undefined;
    response.writeHead(mode.status, {
      'content-type': isPage ? 'text/html; charset=utf-8' : 'application/json',
      ...mode.headers,
    });
    response.end(mode.text ?? JSON.stringify(mode.json ?? {}));
  };

  const sound = (
    response: ServerResponse,
    mode: ElevenlabsMode | 'ok',
    voice: string,
    body: SpeechBody,
  ): void => {
    const speed = body.voice_settings?.speed ?? 1;
    const tones = spokenTones({ text: body.text, voice, speed, sampleRateHz: RATE_HZ });
    const samples = mode === 'silent' ? new Int16Array(tones.length) : tones;
    const bytes = Buffer.alloc(samples.length * 2);
    samples.forEach((sample, index) => bytes.writeInt16LE(sample, index * 2));
    const whole = mode === 'empty' ? Buffer.alloc(0) : mode === 'odd' ? bytes.subarray(1) : bytes;
    response.writeHead(200, {
      'content-type': 'audio/pcm',
      'content-length': whole.length,
      'request-id': crypto.randomUUID(),
      'character-cost': body.text.length,
      ...concurrency(),
    });
    if (mode !== 'cut') response.end(whole);
    else response.write(whole.subarray(0, whole.length / 2), () => response.destroy());
  };

  const speak = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    json: unknown,
  ): Promise<number> => {
    const voice = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
    if (state.inFlight + state.foreign >= state.maximumConcurrent) {
      const { status, json } = failure(429, 'too_many_concurrent_requests', 'Too many concurrent requests.');
      send(response, { status, json, headers: concurrency() });
      return status;
    }
    changeInFlight(1);
    response.once('close', () => changeInFlight(-1));
    await held;
    const mode = scripted.shift();
    if (mode === 'hang') return 0;
    if (mode === 'reset') {
      request.socket.destroy();
      return 0;
    }
    const body = json as SpeechBody | undefined;
    const refusal =
      typeof mode === 'object' ? mode : speechMode(voice, body, url.searchParams.get('output_format'));
    if (refusal !== undefined && typeof refusal === 'object') {
      send(response, refusal);
      return refusal.status;
    }
    sound(response, mode ?? 'ok', voice, body as SpeechBody);
    return 200;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', headers } = request;
    const raw = Buffer.concat(await request.toArray()).toString('utf8');
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    const json = raw === '' ? undefined : (JSON.parse(raw) as Record<string, unknown>);
    const given = headers['xi-api-key'] as string | undefined;
    const isSpeech = method === 'POST' && /^\/v1\/text-to-speech\/[^/]+$/u.test(url.pathname);
    let status: number;
    if (given !== apiKey) {
      const refusal = failure(401, 'invalid_api_key', `Invalid API key ${given ?? ''}`);
      send(response, refusal);
      status = refusal.status;
    } else if (isSpeech) {
      status = await speak(request, response, url, json);
    } else {
      const scriptedAnswer = scripted.shift();
      const isVoices = method === 'GET' && url.pathname === '/v1/voices';
      const answer =
        typeof scriptedAnswer === 'object'
          ? scriptedAnswer
          : isVoices
            ? { status: 200, json: { voices: ELEVENLABS_VOICES } }
            : { status: 404, json: { detail: 'Not Found' } };
      send(response, answer);
      status = answer.status;
    }
    calls.push({ method, path: url.pathname + url.search, apiKey: given, json, status });
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey,
    calls,
    get peakConcurrency() {
      return state.peak;
    },
    get inFlight() {
      return state.inFlight;
    },
    get foreign() {
      return state.foreign;
    },
    set foreign(count) {
      state.foreign = count;
    },
    get maximumConcurrent() {
      return state.maximumConcurrent;
    },
    set maximumConcurrent(count) {
      state.maximumConcurrent = count;
    },
    script: (...modes) => void scripted.push(...modes),
    hold: () => {
      const gate = createGate();
      held = gate.promise;
      return () => gate.open();
    },
    whenInFlight: (count) =>
      state.inFlight === count
        ? Promise.resolve()
        : new Promise((settle) => watching.push({ count, settle })),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
