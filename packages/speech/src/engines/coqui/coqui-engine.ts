import { TalebackError } from '@taleback/core';
import { guarded, kokoro, type ResilienceProfile } from '@taleback/resilience';
import { stretched } from '../../audio/stretch.ts';
import { speaksLanguage } from '../choose-voice.ts';
import type { SpeechProfile, Voice } from '../engine.ts';
import { checkChunk } from '../remote/check-chunk.ts';
import { OneAtATime } from '../remote/one-at-a-time.ts';
import { readSpeech } from '../remote/read-speech.ts';
import type { RemoteEngine } from '../remote/remote-engine.ts';
import { createServiceClient } from '../remote/service-client.ts';
import { readRefusal } from '../remote/service-refusal.ts';
import type { SpeechHttp } from '../remote/speech-http.ts';
import { tidyText } from '../remote/tidy-text.ts';
import { coquiCode } from './coqui-fault.ts';
import { parseHome } from './coqui-home.ts';
import { coquiRequest } from './coqui-request.ts';

export interface CoquiEngineOptions {
  /** Such as `http://127.0.0.1:5002`. */
  readonly baseUrl: string;
  readonly http: SpeechHttp;
  /** The speakers to offer, the default first. Default: all that the server has. */
  readonly speakers?: readonly string[] | undefined;
  /** What the model speaks, BCP 47: a model of one language does not tell. Default: English. */
  readonly languages?: readonly string[] | undefined;
  /** A WAV file at the server, or `{"token": weight}`, for models that take a style from one. */
  readonly styleWav?: string | undefined;
  /** For a proxy in front of it: the server itself asks for none. */
  readonly apiKey?: string | undefined;
}

const SERVICE = 'coqui';
/** The voice of a model that has only one; such a model must be given no speaker. */
const ONLY_VOICE = 'default';

/** A demonstration server with one lock around everything: one request at a time, and a second try with care. */
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
 * A Coqui TTS server, of Coqui or of its living fork. Neither can speak faster or slower through `/api/tts`, so the
 * sound is stretched here.
 *
 * @throws TalebackError `request_invalid` when the address is none
 */
export const createCoquiEngine = (options: CoquiEngineOptions): RemoteEngine => {
  const client = createServiceClient({ service: SERVICE, ...options });
  const turns = new OneAtATime();
  const configured = options.speakers?.length ? options.speakers : undefined;
  let speakers: readonly string[] = configured ?? [];
  /** Codes of a model of many languages; such a model must be told one, and any other must not. */
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
    if (!speaksLanguage(languages(), language)) {
      throw new TalebackError(
        'language_unsupported',
        `The language "${language.slice(0, 40)}" is not supported.`,
        {
          details: `${SERVICE} speaks ${languages().join(', ')}`,
        },
      );
    }
    return (
      languageIds.find((id) => id.toLowerCase() === language.toLowerCase()) ??
      languageIds.find((id) => speaksLanguage([id], language))
    );
  };

  return {
    ...profile,
    // The spread has taken today's languages; a probe may find others.
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
      const sound = await turns.run(signal, async () => {
        const answer = await client.ask({ ...request, signal });
        if (answer.status === 200) return readSpeech(answer, { service: SERVICE });
        throw client.faultOf(readRefusal(answer), { codeOf: coquiCode });
      });
      return stretched(sound, speed);
    },
    probe: (signal) =>
      client.timed(async () => {
        const answer = await client.ask({ method: 'GET', path: '/', signal });
        if (answer.status !== 200) throw client.faultOf(answer, { codeOf: coquiCode });
        const home = parseHome(answer);
        speakers = offered(configured, home.speakers);
        languageIds = home.languageIds;
        return { details: `${home.speakers.length || 1} voices; ${languages().join(', ')}` };
      }),
  };
};
