import { TalebackError } from '@taleback/core';
import { elevenlabs } from '@taleback/resilience';
import { isSilent, type Pcm } from '../../audio/index.ts';
import { stretched } from '../../audio/stretch.ts';
import type { SpeechChunk, SpeechProfile, SynthesisOptions, Voice } from '../engine.ts';
import { checkChunk } from '../remote/check-chunk.ts';
import type { EngineProbe, RemoteEngine } from '../remote/remote-engine.ts';
import type { SpeechHttp } from '../remote/speech-http.ts';
import { tidyText } from '../remote/tidy-text.ts';
import { createElevenlabsClient } from './elevenlabs-client.ts';
import { DEFAULT_ELEVENLABS_VOICES, parseVoices, voicesForModel } from './elevenlabs-voices.ts';
import { modelOf } from './models.ts';
import { parsePcm, SERVICE_RATE_HZ } from './service-sound.ts';
import { serviceSpeedOf, voiceSettingsOf } from './voice-settings.ts';

export const ELEVENLABS_URL = 'https://api.elevenlabs.io';

/** Equal texts are to sound as equal as the service can make them. */
const SEED = 20_041;

export interface ElevenlabsEngineOptions {
  /** Default ELEVENLABS_URL. */
  readonly baseUrl?: string | undefined;
  readonly apiKey: string;
  /** Such as `eleven_multilingual_v2`. */
  readonly modelId: string;
  readonly http: SpeechHttp;
  /** Until the service has told its own; the first is the default voice. */
  readonly voices?: readonly Voice[] | undefined;
  /** For the latency of a probe, ms. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
}

/**
 * The ElevenLabs API. It has no more requests out at once than the account may have, and learns from each answer how
 * many those are.
 *
 * @throws TalebackError `credentials_invalid` when the key cannot be a key; from its methods what RemoteEngine names.
 */
export const createElevenlabsEngine = (options: ElevenlabsEngineOptions): RemoteEngine => {
  const { apiKey, http, modelId, baseUrl = ELEVENLABS_URL, now = Date.now } = options;
  const client = createElevenlabsClient({
    apiKey,
    http,
    baseUrl,
    initialConcurrency: elevenlabs.bulkhead.maxConcurrent,
  });
  const { languages, takesLanguage } = modelOf(modelId);
  let voices = voicesForModel(options.voices ?? DEFAULT_ELEVENLABS_VOICES, languages);

  const requestOf = (
    text: string,
    { language, style, speed = 1 }: SpeechChunk,
  ): Readonly<Record<string, unknown>> => {
    const settings = voiceSettingsOf(style, speed);
    return {
      text,
      model_id: modelId,
      seed: SEED,
      ...(language === undefined || !takesLanguage
        ? {}
        : { language_code: language.toLowerCase().split(/[-_]/u)[0] }),
      ...(settings === undefined ? {} : { voice_settings: settings }),
    };
  };

  const profile: SpeechProfile = {
    name: 'elevenlabs',
    languages,
    voices: () => voices,
    prepareText: tidyText,
  };

  const synthesizeChunk = async (chunk: SpeechChunk, { signal }: SynthesisOptions = {}): Promise<Pcm> => {
    const { voice, text, speed } = checkChunk(profile, chunk, signal);
    const answer = await client.speak({
      method: 'POST',
      path: `/v1/text-to-speech/${encodeURIComponent(voice.id)}?output_format=pcm_${SERVICE_RATE_HZ}`,
      body: requestOf(text, chunk),
      signal,
    });
    const pcm = parsePcm(answer);
    if (isSilent(pcm.samples)) throw new TalebackError('audio_silent', 'ElevenLabs made only silence.');
    return stretched(pcm, speed / serviceSpeedOf(speed));
  };

  const probe = async (signal: AbortSignal): Promise<EngineProbe> => {
    const startedAtMs = now();
    const answer = await client.ask({ method: 'GET', path: '/v1/voices', signal });
    voices = parseVoices(answer.body, languages);
    return { details: `${modelId}, ${voices.length} voices`, latencyMs: Math.max(0, now() - startedAtMs) };
  };

  return {
    ...profile,
    endpoint: client.endpoint,
    policy: elevenlabs,
    get concurrency() {
      return client.concurrency();
    },
    synthesizeChunk,
    probe,
  };
};
