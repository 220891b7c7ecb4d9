import { type ErrorCode, TalebackError } from '@taleback/core';
import { elevenlabs, type ResilienceProfile } from '@taleback/resilience';
import { stretched } from '../../audio/stretch.ts';
import { primaryTag, type RemoteEngine } from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { createRemoteEngine } from '../remote/remote-engine.ts';
import { type ConcurrencyReport, RequestGate } from '../remote/request-gate.ts';
import { jsonPost, ServiceClient } from '../remote/service-client.ts';
import { type Refusal, readRefusal } from '../remote/service-fault.ts';
import type { HttpHeaders, SpeechHttp } from '../remote/speech-http.node.ts';
import { defaultVoices, modelOf, parseVoices, serviceSpeedOf, voiceSettingsOf } from './elevenlabs-voices.ts';

const SERVICE = 'elevenlabs';
/** Requested as `pcm_24000`: little-endian 16-bit samples, one channel, no header. */
const SERVICE_RATE_HZ = 24_000;
/** Equal texts are to sound as equal as the service can make them. */
const SEED = 20_041;
/** The label of a 429 for too many requests of the account at once. */
const TOO_MANY = 'too_many_concurrent_requests';
/** With too many requests of ours, a place is free as soon as one of them ends, ms. */
const SHORT_WAIT_MS = 250;

/** What `detail.status` means, whatever the HTTP status. @see https://help.elevenlabs.io/hc/en-us/articles/19572237925521 */
const BY_LABEL: ReadonlyMap<string | undefined, ErrorCode> = new Map([
  ['max_character_limit_exceeded', 'text_too_long'],
  ['invalid_api_key', 'credentials_invalid'],
  ['quota_exceeded', 'provider_quota_exceeded'],
  ['voice_not_found', 'voice_not_found'],
  ['missing_permissions', 'permission_denied'],
  [TOO_MANY, 'provider_rate_limited'],
  ['system_busy', 'provider_rate_limited'],
]);

const codeOf = ({ label, status }: Refusal): ErrorCode | undefined => {
  // The list of a 422 names fields of ours: a fault of this client, not of the story.
  const byStatus = status === 422 ? 'provider_rejected' : undefined;
  // A retry does not fix 501 (not implemented) and 505 (version not supported).
  const isAway = status >= 500 && status !== 501 && status !== 505;
  return BY_LABEL.get(label) ?? byStatus ?? (isAway ? 'provider_unavailable' : undefined);
};

export interface ElevenlabsEngineOptions {
  /** Default https://api.elevenlabs.io. */
  readonly baseUrl?: string | undefined;
  readonly apiKey: string;
  /** Such as `eleven_multilingual_v2`. */
  readonly modelId: string;
  readonly http: SpeechHttp;
  /** Default: `elevenlabs` of resilience. */
  readonly policy?: ResilienceProfile | undefined;
}

const concurrencyIn = (headers: HttpHeaders): ConcurrencyReport => {
  const countIn = (name: string): number | undefined => {
    const count = headers[name]?.trim() ?? '';
    return /^\d{1,6}$/u.test(count) ? Number(count) : undefined;
  };
  return {
    maximum: countIn('maximum-concurrent-requests') || undefined,
    current: countIn('current-concurrent-requests'),
  };
};

/**
 * The ElevenLabs API. It sends no more requests at once than the account may, and learns that limit from each answer.
 * The key is sent in a header and appears nowhere else.
 *
 * @throws TalebackError `credentials_invalid` when the key cannot be a key, `request_invalid` for the address.
 */
export const createElevenlabsEngine = (options: ElevenlabsEngineOptions): RemoteEngine => {
  const { apiKey, http, modelId, baseUrl = 'https://api.elevenlabs.io', policy = elevenlabs } = options;
  if (!/^[\x21-\x7e]+$/u.test(apiKey)) {
    throw new TalebackError('credentials_invalid', 'The ElevenLabs key is empty or holds what no key holds.');
  }
  const client = new ServiceClient({
    service: SERVICE,
    codeOf,
    baseUrl,
    http,
    apiKey,
    apiKeyHeader: 'xi-api-key',
  });
  const gate = new RequestGate(policy.bulkhead?.maxConcurrent ?? 1);
  const { languages, takesLanguage } = modelOf(modelId);

  return createRemoteEngine({
    name: SERVICE,
    policy,
    endpoint: client.endpoint,
    concurrency: () => gate.limit,
    repertoire: { languages, voices: defaultVoices(languages) },
    speak: async ({ voice, text, speed, language, style }, signal) => {
      const path = `/v1/text-to-speech/${encodeURIComponent(voice.id)}?output_format=pcm_${SERVICE_RATE_HZ}`;
      const request = jsonPost(path, {
        text,
        model_id: modelId,
        seed: SEED,
        language_code: language === undefined || !takesLanguage ? undefined : primaryTag(language),
        voice_settings: voiceSettingsOf(style, speed),
      });
      const answer = await gate.run(signal, async (pass) => {
        const answered = await client.ask({ ...request, signal });
        const report = concurrencyIn(answered.headers);
        if (answered.status === 200) {
          gate.granted(report, pass);
          return answered;
        }
        const refusal = readRefusal(answered);
        if (refusal.label !== TOO_MANY) throw client.faultOf(refusal);
        gate.refused(report, pass);
        // A busy system is left to the caller's growing backoff; here a place is free in a moment.
        throw client.faultOf({ ...refusal, retryAfterMs: refusal.retryAfterMs ?? SHORT_WAIT_MS });
      });
      const pcm = readSpeech(answer, SERVICE, SERVICE_RATE_HZ);
      return stretched(pcm, speed / serviceSpeedOf(speed));
    },
    probe: async (signal) => {
      const voices = parseVoices(await client.getJson('/v1/voices', signal), languages);
      return { details: `${modelId}, ${voices.length} voices`, repertoire: { languages, voices } };
    },
  });
};
