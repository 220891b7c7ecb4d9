import { type ErrorCode, TalebackError } from '@taleback/core';
import { elevenlabs } from '@taleback/resilience';
import type { Pcm } from '../../audio/pcm.ts';
import { stretched } from '../../audio/stretch.ts';
import { tidyText } from '../../text/clean-text.ts';
import {
  checkChunk,
  primaryTag,
  type RemoteEngine,
  type SpeechChunk,
  type SpeechProfile,
  type SynthesisOptions,
  type Voice,
} from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { type ConcurrencyReport, RequestGate } from '../remote/request-gate.ts';
import { createServiceClient, jsonBody } from '../remote/service-client.ts';
import { type Refusal, readRefusal } from '../remote/service-fault.ts';
import type { HttpAnswer, SpeechHttp } from '../remote/speech-http.node.ts';
import {
  DEFAULT_ELEVENLABS_VOICES,
  modelOf,
  parseVoices,
  serviceSpeedOf,
  voiceSettingsOf,
  voicesForModel,
} from './elevenlabs-voices.ts';

export const ELEVENLABS_URL = 'https://api.elevenlabs.io';

const SERVICE = 'elevenlabs';
/** Requested as `pcm_24000`: little-endian 16-bit samples, one channel, no header. */
const SERVICE_RATE_HZ = 24_000;
/** Equal texts are to sound as equal as the service can make them. */
const SEED = 20_041;
/** The label of a 429 for too many requests of the account at once. */
const TOO_MANY = 'too_many_concurrent_requests';
/** With too many requests of ours, a place is free as soon as one of them ends, ms. */
const SHORT_WAIT_MS = 250;

/**
 * What `detail.status` means, whatever the HTTP status beside it.
 *
 * @see https://help.elevenlabs.io/hc/en-us/articles/19572237925521
 */
const BY_LABEL: Readonly<Record<string, ErrorCode>> = {
  max_character_limit_exceeded: 'text_too_long',
  invalid_api_key: 'credentials_invalid',
  quota_exceeded: 'provider_quota_exceeded',
  voice_not_found: 'voice_not_found',
  missing_permissions: 'permission_denied',
  [TOO_MANY]: 'provider_rate_limited',
  system_busy: 'provider_rate_limited',
};

/** Server errors that a retry does not fix: not implemented, version not supported. */
const LASTING: ReadonlySet<number> = new Set([501, 505]);

const codeOf = ({ label, status }: Refusal): ErrorCode | undefined => {
  if (label !== undefined && Object.hasOwn(BY_LABEL, label)) return BY_LABEL[label];
  // Its list names fields of ours: a fault of this client, not of the story.
  if (status === 422) return 'provider_rejected';
  return status >= 500 && !LASTING.has(status) ? 'provider_unavailable' : undefined;
};

export interface ElevenlabsEngineOptions {
  /** Default ELEVENLABS_URL. */
  readonly baseUrl?: string | undefined;
  readonly apiKey: string;
  /** Such as `eleven_multilingual_v2`. */
  readonly modelId: string;
  readonly http: SpeechHttp;
  /** Until a probe; the first is the default voice. */
  readonly voices?: readonly Voice[] | undefined;
  /** For the latency of a probe, ms. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
}

const countOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,6}$/u.test(header.trim()) ? Number(header) : undefined;

const concurrencyIn = ({ headers }: HttpAnswer): ConcurrencyReport => {
  const maximum = countOf(headers['maximum-concurrent-requests']);
  return {
    maximum: maximum === 0 ? undefined : maximum,
    current: countOf(headers['current-concurrent-requests']),
  };
};

/**
 * The ElevenLabs API. It sends no more requests at once than the account may, and learns that limit from each answer.
 * The key is sent in a header and appears nowhere else.
 *
 * @throws TalebackError `credentials_invalid` when the key cannot be a key, `request_invalid` for the address.
 */
export const createElevenlabsEngine = (options: ElevenlabsEngineOptions): RemoteEngine => {
  const { apiKey, http, modelId, baseUrl = ELEVENLABS_URL, now } = options;
  if (!/^[\x21-\x7e]+$/u.test(apiKey)) {
    throw new TalebackError('credentials_invalid', 'The ElevenLabs key is empty or holds what no key holds.');
  }
  const client = createServiceClient({
    service: SERVICE,
    baseUrl,
    http,
    apiKey,
    apiKeyHeader: 'xi-api-key',
    clock: now === undefined ? undefined : { now },
  });
  const gate = new RequestGate(elevenlabs.bulkhead.maxConcurrent);
  const { languages, takesLanguage } = modelOf(modelId);
  let voices = voicesForModel(options.voices ?? DEFAULT_ELEVENLABS_VOICES, languages);

  const requestOf = (text: string, { language, style, speed = 1 }: SpeechChunk): object => {
    const settings = voiceSettingsOf(style, speed);
    return {
      text,
      model_id: modelId,
      seed: SEED,
      ...(language === undefined || !takesLanguage ? {} : { language_code: primaryTag(language) }),
      ...(settings === undefined ? {} : { voice_settings: settings }),
    };
  };

  const profile: SpeechProfile = { name: SERVICE, languages, voices: () => voices, prepareText: tidyText };

  const synthesizeChunk = async (chunk: SpeechChunk, { signal }: SynthesisOptions = {}): Promise<Pcm> => {
    const { voice, text, speed } = checkChunk(profile, chunk, signal);
    const path = `/v1/text-to-speech/${encodeURIComponent(voice.id)}?output_format=pcm_${SERVICE_RATE_HZ}`;
    const answer = await gate.run(signal, async (pass) => {
      const answered = await client.ask({
        method: 'POST',
        path,
        ...jsonBody(requestOf(text, chunk)),
        signal,
      });
      if (answered.status === 200) {
        gate.granted(concurrencyIn(answered), pass);
        return answered;
      }
      const refusal = readRefusal(answered);
      if (refusal.label !== TOO_MANY) throw client.faultOf(refusal, { codeOf });
      gate.refused(concurrencyIn(answered), pass);
      // A busy system is left to the caller's growing backoff; here a place is free in a moment.
      const retryAfterMs = refusal.retryAfterMs ?? SHORT_WAIT_MS;
      throw client.faultOf({ ...refusal, retryAfterMs }, { codeOf });
    });
    const pcm = readSpeech(answer, { service: SERVICE, rawRateHz: SERVICE_RATE_HZ });
    return stretched(pcm, speed / serviceSpeedOf(speed));
  };

  return {
    ...profile,
    endpoint: client.endpoint,
    policy: elevenlabs,
    get concurrency() {
      return gate.limit;
    },
    synthesizeChunk,
    probe: (signal) =>
      client.timed(async () => {
        voices = parseVoices(await client.getJson('/v1/voices', signal, { codeOf }), languages);
        return { details: `${modelId}, ${voices.length} voices` };
      }),
  };
};
