import { TalebackError } from '@taleback/core';
import { kokoro, type ResilienceProfile } from '@taleback/resilience';
import type { Pcm } from '../../audio/pcm.ts';
import { tidyText } from '../../text/clean-text.ts';
import {
  type CheckedChunk,
  checkChunk,
  primaryTag,
  requireLanguage,
  type RemoteEngine,
  type SpeechChunk,
  type SpeechProfile,
  type Voice,
} from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { RequestGate } from '../remote/request-gate.ts';
import { createServiceClient, jsonBody } from '../remote/service-client.ts';
import { readRefusal } from '../remote/service-fault.ts';
import type { SpeechHttp } from '../remote/speech-http.node.ts';
import { Recordings } from './chatterbox-recordings.ts';
import {
  type ChatterboxSpeaker,
  chatterboxCode,
  chatterboxRequest,
  isRecordingGone,
  type PredefinedVoice,
  parseModelInfo,
  parsePredefinedVoices,
  unwrapRefusal,
} from './chatterbox-wire.ts';

export interface ChatterboxEngineOptions {
  /** Such as `http://127.0.0.1:8004`. */
  readonly baseUrl: string;
  readonly http: SpeechHttp;
  /** File names of the voices to offer, the default first. Default: all that the server has. */
  readonly voices?: readonly string[] | undefined;
  /** What the model speaks, BCP 47, until a probe. Default: English. */
  readonly languages?: readonly string[] | undefined;
  /** 1 or more. Default: one of ours. */
  readonly seed?: number | undefined;
  /** For a proxy in front of it: the server itself needs none. */
  readonly apiKey?: string | undefined;
}

const SERVICE = 'chatterbox';
/** Some of those that come with the server. */
const BUNDLED_VOICES = ['Emily.wav', 'Alice.wav', 'Olivia.wav', 'Michael.wav', 'Ryan.wav', 'Thomas.wav'];

/**
 * Kokoro's numbers, with another minute for the text that is spoken before ours: a busy server answers no other request,
 * also while it works for a caller that has hung up.
 */
const policy = {
  ...kokoro,
  name: SERVICE,
  timeoutMs: 120_000,
  bulkhead: { ...kokoro.bulkhead, maxConcurrent: 1 },
} as const satisfies ResilienceProfile;

const bareName = (fileName: string): string => fileName.replace(/\.(wav|mp3)$/iu, '');

/** The configured voices that are there, or all that are. */
const offered = (
  configured: readonly string[] | undefined,
  there: readonly PredefinedVoice[],
): PredefinedVoice[] => {
  const voices = configured?.flatMap((name) => there.filter(({ fileName }) => fileName === name)) ?? [
    ...there,
  ];
  if (voices.length > 0) return voices;
  throw new TalebackError('voice_not_found', 'The speech service has none of the voices.', {
    details: `${SERVICE} has ${there.map(({ fileName }) => fileName).join(', ') || 'none'}`,
  });
};

/**
 * A Chatterbox-TTS-Server, which speaks with the voices in its folder and with any recording that it is given.
 *
 * It answers nothing while it speaks, so requests are sent one at a time.
 *
 * @throws TalebackError `request_invalid` when the address is none
 */
export const createChatterboxEngine = (options: ChatterboxEngineOptions): RemoteEngine => {
  const client = createServiceClient({ service: SERVICE, ...options });
  const recordings = new Recordings(client);
  const gate = new RequestGate(1);
  const configured = options.voices?.length ? options.voices : undefined;
  let languages: readonly string[] = options.languages ?? ['en'];
  let files = (configured ?? BUNDLED_VOICES).map((fileName) => ({
    fileName,
    displayName: bareName(fileName),
  }));

  const profile: SpeechProfile = {
    name: SERVICE,
    get languages() {
      return languages;
    },
    voices: () =>
      files.map(({ fileName, displayName }): Voice => ({ id: fileName, name: displayName, languages })),
    prepareText: tidyText,
    clonesVoices: true,
  };

  const languageOf = (wanted = languages[0] ?? 'en'): string => {
    requireLanguage(profile, wanted);
    return primaryTag(wanted);
  };

  const speakerOf = async (
    chunk: SpeechChunk,
    signal: AbortSignal | undefined,
  ): Promise<ChatterboxSpeaker> =>
    chunk.profile === undefined
      ? { mode: 'predefined', fileName: chunk.voiceId }
      : { mode: 'clone', fileName: await recordings.nameOf(chunk.profile, signal) };

  const speak = async (
    chunk: SpeechChunk,
    checked: CheckedChunk,
    signal: AbortSignal | undefined,
    isSecondTry = false,
  ): Promise<Pcm> => {
    const { style } = chunk;
    const language = languageOf(chunk.language);
    const speaker = await speakerOf(chunk, signal);
    const body = chatterboxRequest(checked, speaker, { style, language, seed: options.seed });
    const answer = await client.ask({ method: 'POST', path: '/tts', signal, ...jsonBody(body) });
    if (answer.status === 200) return readSpeech(answer, { service: SERVICE });

    const refusal = unwrapRefusal(readRefusal(answer));
    if (chunk.profile !== undefined && isRecordingGone(refusal)) {
      recordings.forget(chunk.profile);
      if (!isSecondTry) return speak(chunk, checked, signal, true);
    }
    throw client.faultOf(refusal, { codeOf: chatterboxCode });
  };

  return {
    ...profile,
    // Read each time, because a probe may find others.
    get languages() {
      return languages;
    },
    policy,
    endpoint: client.endpoint,
    concurrency: 1,
    synthesizeChunk: async (chunk, { signal } = {}) => {
      const checked = checkChunk(profile, chunk, signal);
      return gate.run(signal, () => speak(chunk, checked, signal));
    },
    probe: (signal) =>
      client.timed(() =>
        gate.run(signal, async () => {
          const info = parseModelInfo(await client.getJson('/api/model-info', signal));
          if (!info.isLoaded) {
            throw new TalebackError('model_unavailable', 'The speech service has no model loaded.', {
              details: `${SERVICE}: ${info.words}`,
            });
          }
          const there = parsePredefinedVoices(await client.getJson('/get_predefined_voices', signal));
          files = offered(configured, there);
          if (info.languages.length > 0) languages = info.languages;
          return { details: `${info.words}; ${there.length} voices`, model: info.words };
        }),
      ),
  };
};
