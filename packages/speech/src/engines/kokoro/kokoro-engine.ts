import { type ErrorCode, isRecord, TalebackError } from '@taleback/core';
import { kokoro } from '@taleback/resilience';
import { tidyText } from '../../text/clean-text.ts';
import { checkChunk, speaksLanguage, type RemoteEngine, type SpeechProfile, type Voice } from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { createServiceClient, jsonBody } from '../remote/service-client.ts';
import type { Refusal } from '../remote/service-fault.ts';
import type { SpeechHttp } from '../remote/speech-http.node.ts';
import { KOKORO_LANGUAGES, KOKORO_VOICES, kokoroVoice, langCodeOf, mixedVoices } from './kokoro-voices.ts';

export interface KokoroEngineOptions {
  /** Such as `http://127.0.0.1:8880`. */
  readonly baseUrl: string;
  readonly http: SpeechHttp;
  /**
   * The voices to offer, the default first; mixtures such as `af_bella(2)+bf_emma` too. Default: all that the service
   * has, and the best known ones until a probe.
   */
  readonly voices?: readonly string[] | undefined;
  /** For a proxy in front of it: the service itself needs none. */
  readonly apiKey?: string | undefined;
}

const SERVICE = 'kokoro';
/** Of the model; the service does not report it. */
const SAMPLE_RATE_HZ = 24_000;

/** An unknown voice is a `validation_error` among others. */
const codeOf = ({ label, words }: Refusal): ErrorCode | undefined => {
  if (label === 'validation_error' && /voice/iu.test(words)) return 'voice_not_found';
  return label === 'invalid_model' ? 'model_unavailable' : undefined;
};

/** The configured voices that the service can speak, or all of its own. */
const offered = (configured: readonly string[] | undefined, there: readonly string[]): Voice[] => {
  const ids = configured?.filter((id) => mixedVoices(id).every((part) => there.includes(part))) ?? there;
  if (ids.length > 0) return ids.map(kokoroVoice);
  throw new TalebackError('voice_not_found', 'The speech service has none of the voices.', {
    details: `${SERVICE} has ${there.join(', ') || 'none'}`,
  });
};

/**
 * A Kokoro-FastAPI server. It is asked for raw samples, because its WAV files carry no sizes, and in one answer
 * (`stream: false`), because a stream that fails half-way has answered 200 before.
 *
 * @throws TalebackError `request_invalid` when the address is none
 */
export const createKokoroEngine = ({ voices: configured, ...options }: KokoroEngineOptions): RemoteEngine => {
  const client = createServiceClient({ service: SERVICE, ...options });
  let voices: readonly Voice[] = configured?.length ? configured.map(kokoroVoice) : KOKORO_VOICES;
  const profile: SpeechProfile = {
    name: SERVICE,
    languages: KOKORO_LANGUAGES,
    voices: () => voices,
    prepareText: tidyText,
  };

  return {
    ...profile,
    policy: kokoro,
    endpoint: client.endpoint,
    concurrency: kokoro.bulkhead.maxConcurrent,
    synthesizeChunk: async (chunk, { signal } = {}) => {
      const { text, speed, voice } = checkChunk(profile, chunk, signal);
      if (chunk.language !== undefined && !speaksLanguage(voice.languages, chunk.language)) {
        const message = `The voice ${voice.id} does not speak this language.`;
        const details = `${voice.id} speaks ${voice.languages.join(', ')}, not ${chunk.language.slice(0, 40)}`;
        throw new TalebackError('voice_language_mismatch', message, { details });
      }
      const langCode = langCodeOf(voice, chunk.language);
      const answer = await client.ask({
        method: 'POST',
        path: '/v1/audio/speech',
        signal,
        ...jsonBody({
          model: 'kokoro',
          input: text,
          voice: voice.id,
          response_format: 'pcm',
          speed,
          stream: false,
          ...(langCode === undefined ? {} : { lang_code: langCode }),
        }),
      });
      if (answer.status !== 200) throw client.faultOf(answer, { codeOf });
      return readSpeech(answer, { service: SERVICE, rawRateHz: SAMPLE_RATE_HZ });
    },
    probe: (signal) =>
      client.timed(async () => {
        // Its /health always says "healthy".
        const models = parseModelIds(await client.getJson('/v1/models', signal));
        const there = parseVoiceIds(await client.getJson('/v1/audio/voices', signal));
        if (models.length === 0 || there.length === 0) {
          throw new TalebackError('model_unavailable', 'The speech service has no model loaded.', {
            details: `${SERVICE} has ${models.length} models and ${there.length} voices`,
          });
        }
        voices = offered(configured?.length ? configured : undefined, there);
        const model = models.join(', ');
        return { details: `${model}; ${there.length} voices`, model };
      }),
  };
};

const idOf = (entry: unknown): string | undefined => {
  const id = isRecord(entry) ? entry['id'] : entry;
  return typeof id === 'string' && id !== '' ? id : undefined;
};

/**
 * The ids in an answer of `GET /v1/audio/voices`: `{"voices":[{"id","name"}]}`, or names alone from releases before 0.3.
 *
 * @returns none when it is no such answer
 */
export const parseVoiceIds = (json: unknown): string[] => {
  const voices = isRecord(json) ? json['voices'] : undefined;
  if (!Array.isArray(voices)) return [];
  return [...new Set(voices.map(idOf).filter((id) => id !== undefined))];
};

/** The ids in an answer of `GET /v1/models`. */
export const parseModelIds = (json: unknown): string[] => {
  const models = isRecord(json) ? json['data'] : undefined;
  return Array.isArray(models) ? models.map(idOf).filter((id) => id !== undefined) : [];
};
