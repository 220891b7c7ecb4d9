import { type ErrorCode, isRecord, TalebackError, textOf } from '@taleback/core';
import { kokoro } from '@taleback/resilience';
import { type RemoteEngine, speaksLanguage } from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { createRemoteEngine, offeredVoices } from '../remote/remote-engine.ts';
import { ServiceClient, type ServiceLocation } from '../remote/service-client.ts';
import { membersOf, type Refusal } from '../remote/service-fault.ts';
import { KOKORO_LANGUAGES, KOKORO_VOICES, kokoroVoice, langCodeOf, mixedVoices } from './kokoro-voices.ts';

export interface KokoroEngineOptions extends ServiceLocation {
  /**
   * The voices to offer, the default first; mixtures such as `af_bella(2)+bf_emma` too. Default: all that the service
   * has, and the best known ones until a probe.
   */
  readonly voices?: readonly string[] | undefined;
}

const SERVICE = 'kokoro';
/** Of the model; the service does not report it. */
const SAMPLE_RATE_HZ = 24_000;

/** An unknown voice is a `validation_error` among others. */
const codeOf = ({ label, words }: Refusal): ErrorCode | undefined => {
  if (label === 'validation_error' && /voice/iu.test(words)) return 'voice_not_found';
  return label === 'invalid_model' ? 'model_unavailable' : undefined;
};

/** The ids in a list of `{"id"}`, or of names alone from releases before 0.3; none when it is no list. */
const idsIn = (list: unknown): string[] => {
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  return [...new Set(entries.flatMap((entry) => textOf(isRecord(entry) ? entry['id'] : entry) ?? []))];
};

/** The voices in an answer of `GET /v1/audio/voices`. */
export const parseVoiceIds = (json: unknown): string[] => idsIn(membersOf(json)['voices']);

/** The models in an answer of `GET /v1/models`. */
export const parseModelIds = (json: unknown): string[] => idsIn(membersOf(json)['data']);

/**
 * A Kokoro-FastAPI server. It is asked for raw samples, because its WAV files carry no sizes, and in one answer
 * (`stream: false`), because a stream that fails half-way has answered 200 before.
 *
 * @throws TalebackError `request_invalid` when the address is none
 */
export const createKokoroEngine = ({
  voices: configured,
  policy = kokoro,
  ...options
}: KokoroEngineOptions): RemoteEngine => {
  const client = new ServiceClient({ service: SERVICE, codeOf, ...options });
  const languages = KOKORO_LANGUAGES;
  return createRemoteEngine({
    name: SERVICE,
    policy,
    endpoint: client.endpoint,
    repertoire: { languages, voices: configured?.length ? configured.map(kokoroVoice) : KOKORO_VOICES },
    speak: async ({ text, speed, voice, language }, signal) => {
      if (language !== undefined && !speaksLanguage(voice.languages, language)) {
        const message = `The voice ${voice.id} does not speak this language.`;
        const details = `${voice.id} speaks ${voice.languages.join(', ')}, not ${language.slice(0, 40)}`;
        throw new TalebackError('voice_language_mismatch', message, { details });
      }
      const answer = await client.request('/v1/audio/speech', signal, {
        model: 'kokoro',
        input: text,
        voice: voice.id,
        response_format: 'pcm',
        speed,
        stream: false,
        lang_code: langCodeOf(voice, language),
      });
      return readSpeech(answer, SERVICE, SAMPLE_RATE_HZ);
    },
    probe: async (signal) => {
      // Its /health always says "healthy".
      const models = parseModelIds(await client.getJson('/v1/models', signal));
      const there = parseVoiceIds(await client.getJson('/v1/audio/voices', signal));
      if (models.length === 0 || there.length === 0) {
        throw new TalebackError('model_unavailable', 'The speech service has no model loaded.', {
          details: `${SERVICE} has ${models.length} models and ${there.length} voices`,
        });
      }
      const voices = offeredVoices({
        service: SERVICE,
        there: there.map(kokoroVoice),
        configured,
        find: (id) => (mixedVoices(id).every((part) => there.includes(part)) ? kokoroVoice(id) : undefined),
      });
      const model = models.join(', ');
      return { details: `${model}; ${there.length} voices`, model, repertoire: { languages, voices } };
    },
  });
};
