import { TalebackError } from '@taleback/core';
import { guarded, kokoro, type ResilienceProfile } from '@taleback/resilience';
import { stretched } from '../../audio/stretch.ts';
import { tidyText } from '../../text/clean-text.ts';
import {
  checkChunk,
  requireLanguage,
  speaksLanguage,
  type RemoteEngine,
  type SpeechProfile,
  type Voice,
} from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { RequestGate } from '../remote/request-gate.ts';
import { createServiceClient } from '../remote/service-client.ts';
import type { SpeechHttp } from '../remote/speech-http.node.ts';
import { coquiCode, coquiRequest, parseHome } from './coqui-wire.ts';

export interface CoquiEngineOptions {
  /** Such as `http://127.0.0.1:5002`. */
  readonly baseUrl: string;
  readonly http: SpeechHttp;
  /** The speakers to offer, the default first. Default: all that the server has. */
  readonly speakers?: readonly string[] | undefined;
  /** What the model speaks, BCP 47: a model of one language does not report it. Default: English. */
  readonly languages?: readonly string[] | undefined;
  /** A WAV file at the server, or `{"token": weight}`, for models that take a style from one. */
  readonly styleWav?: string | undefined;
  /** For a proxy in front of it: the server itself needs none. */
  readonly apiKey?: string | undefined;
}

const SERVICE = 'coqui';
/** The voice of a model that has only one; no speaker is sent to such a model. */
const ONLY_VOICE = 'default';

/** A demonstration server with one lock around everything: one request at a time and few retries. */
const policy = {
  ...kokoro,
  name: SERVICE,
  retry: guarded.retry,
  bulkhead: { ...kokoro.bulkhead, maxConcurrent: 1 },
} as const satisfies ResilienceProfile;

/** The configured speakers that are there, or all that are. */
const offered = (configured: readonly string[] | undefined, there: readonly string[]): readonly string[] => {
  const speakers =
    configured?.filter((name) => there.some((speaker) => speaker.trim() === name.trim())) ?? there;
  if (speakers.length > 0 || configured === undefined) return speakers;
  throw new TalebackError('voice_not_found', 'The speech service has none of the voices.', {
    details: `${SERVICE} has ${there.map((name) => name.trim()).join(', ') || 'one voice without a name'}`,
  });
};

/**
 * A Coqui TTS server, original or its maintained fork. Neither can speak faster or slower through `/api/tts`, so the
 * sound is stretched here.
 *
 * @throws TalebackError `request_invalid` when the address is none
 */
export const createCoquiEngine = (options: CoquiEngineOptions): RemoteEngine => {
  const client = createServiceClient({ service: SERVICE, ...options });
  const gate = new RequestGate(1);
  const configured = options.speakers?.length ? options.speakers : undefined;
  let speakers: readonly string[] = configured ?? [];
  /** Codes of a multilingual model. Only such a model is sent one, and always. */
  let languageIds: readonly string[] = [];
  const languages = (): readonly string[] =>
    languageIds.length > 0 ? languageIds : (options.languages ?? ['en']);
  const voiceOf = (name: string): Voice => ({ id: name.trim(), name: name.trim(), languages: languages() });

  const profile: SpeechProfile = {
    name: SERVICE,
    get languages() {
      return languages();
    },
    voices: () => (speakers.length === 0 ? [voiceOf(ONLY_VOICE)] : speakers.map(voiceOf)),
    prepareText: tidyText,
  };

  const languageIdOf = (wanted: string | undefined): string | undefined => {
    const language = wanted ?? languages()[0] ?? 'en';
    requireLanguage(profile, language);
    return (
      languageIds.find((id) => id.toLowerCase() === language.toLowerCase()) ??
      languageIds.find((id) => speaksLanguage([id], language))
    );
  };

  return {
    ...profile,
    // Read each time, because a probe may find others.
    get languages() {
      return languages();
    },
    policy,
    endpoint: client.endpoint,
    concurrency: 1,
    synthesizeChunk: async (chunk, { signal } = {}) => {
      const { text, speed, voice } = checkChunk(profile, chunk, signal);
      const request = coquiRequest({
        text,
        speaker: speakers.find((name) => name.trim() === voice.id),
        language: languageIdOf(chunk.language),
        styleWav: options.styleWav,
      });
      const sound = await gate.run(signal, async () => {
        const answer = await client.ask({ ...request, signal });
        if (answer.status === 200) return readSpeech(answer, { service: SERVICE });
        throw client.faultOf(answer, { codeOf: coquiCode });
      });
      return stretched(sound, speed);
    },
    probe: (signal) =>
      client.timed(async () => {
        const home = parseHome(await client.get('/', signal, { codeOf: coquiCode }));
        speakers = offered(configured, home.speakers);
        languageIds = home.languageIds;
        return { details: `${home.speakers.length || 1} voices; ${languages().join(', ')}` };
      }),
  };
};
