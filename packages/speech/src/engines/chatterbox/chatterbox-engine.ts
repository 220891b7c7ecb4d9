import { isTalebackError, parseJson, TalebackError } from '@taleback/core';
import { chatterbox } from '@taleback/resilience';
import type { Pcm } from '../../audio/pcm.ts';
import {
  type CheckedChunk,
  primaryTag,
  type RemoteEngine,
  requireLanguage,
  type SpeechProfile,
  type Voice,
  type VoiceProfile,
} from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { createRemoteEngine, offeredVoices } from '../remote/remote-engine.ts';
import { RequestGate } from '../remote/request-gate.ts';
import { jsonPost, ServiceClient, type ServiceLocation } from '../remote/service-client.ts';
import { readRefusal } from '../remote/service-fault.ts';
import {
  chatterboxCode,
  chatterboxRequest,
  parseModelInfo,
  parsePredefinedVoices,
  parseUpload,
  recordingFile,
  unwrapRefusal,
  uploadCode,
} from './chatterbox-wire.ts';

export interface ChatterboxEngineOptions extends ServiceLocation {
  /** File names of the voices to offer, the default first. Default: all that the server has. */
  readonly voices?: readonly string[] | undefined;
  /** What the model speaks, BCP 47, until a probe. Default: English. */
  readonly languages?: readonly string[] | undefined;
  /** 1 or more. Default: one of ours. */
  readonly seed?: number | undefined;
}

const SERVICE = 'chatterbox';
/** Some of those that come with the server. */
const BUNDLED_VOICES = ['Emily.wav', 'Alice.wav', 'Olivia.wav', 'Michael.wav', 'Ryan.wav', 'Thomas.wav'];
/** All that come with it. @see https://github.com/devnen/Chatterbox-TTS-Server, folder voices */
const COME_WITH_IT = new Set(
  'Abigail Adrian Alexander Alice Austin Axel Connor Cora Elena Eli Emily Everett Gabriel Gianna Henry Ian Jade Jeremiah Jordan Julian Layla Leonardo Michael Miles Olivia Ryan Taylor Thomas'
    .split(' ')
    .map((name) => `${name}.wav`),
);
/** Any other file in its folder is the recording of a person. */
const withCloned = <Of extends Voice>(voice: Of): Of =>
  COME_WITH_IT.has(voice.id) ? voice : { ...voice, isCloned: true };

/**
 * A Chatterbox-TTS-Server, which speaks with the voices in its folder and with any recording that it is given.
 * It answers nothing while it speaks, so requests are sent one at a time.
 *
 * @throws TalebackError `request_invalid` when the address is none
 */
export const createChatterboxEngine = (options: ChatterboxEngineOptions): RemoteEngine => {
  const client = new ServiceClient({ service: SERVICE, codeOf: chatterboxCode, ...options });
  const { policy = chatterbox } = options;
  const gate = new RequestGate(policy.bulkhead?.maxConcurrent ?? 1);
  /** File names of recordings at the server, by their hash. */
  const uploaded = new Map<string, string>();
  const { languages = ['en'], voices: configured } = options;

  const upload = async (profile: VoiceProfile, signal: AbortSignal | undefined): Promise<string> => {
    const known = uploaded.get(profile.hash);
    if (known !== undefined) return known;
    const form = new FormData();
    form.append('files', recordingFile(profile));
    // As bytes, because undici accepts only its own FormData.
    const multipart = new Response(form);
    const answer = await client.ask({
      method: 'POST',
      path: '/upload_reference',
      headers: { 'content-type': multipart.headers.get('content-type') ?? '' },
      body: new Uint8Array(await multipart.arrayBuffer()),
      signal,
    });
    const { name, note } = parseUpload(parseJson(answer.body));
    if (answer.status !== 200) throw client.faultOf(answer, { codeOf: uploadCode, note });
    if (typeof name !== 'string') {
      throw new TalebackError('provider_rejected', 'The speech service did not keep the recording.', {
        details: note ?? 'the answer to the upload names no file',
      });
    }
    uploaded.set(profile.hash, name);
    return name;
  };

  const speakOnce = async (
    chunk: CheckedChunk,
    signal: AbortSignal | undefined,
    profile: SpeechProfile,
  ): Promise<Pcm> => {
    const wanted = chunk.language ?? profile.languages[0] ?? 'en';
    requireLanguage(profile, wanted);
    const recording = chunk.profile === undefined ? undefined : await upload(chunk.profile, signal);
    const details = { recording, language: primaryTag(wanted), seed: options.seed };
    const answer = await client.ask({ ...jsonPost('/tts', chatterboxRequest(chunk, details)), signal });
    if (answer.status === 200) return readSpeech(answer, SERVICE);
    const fault = client.faultOf(unwrapRefusal(readRefusal(answer)));
    if (fault.code === 'voice_profile_missing') uploaded.delete(chunk.profile?.hash ?? '');
    throw fault;
  };

  return createRemoteEngine({
    name: SERVICE,
    policy,
    endpoint: client.endpoint,
    clonesVoices: true,
    repertoire: {
      languages,
      voices: (configured?.length ? configured : BUNDLED_VOICES)
        .map((id) => ({
          id,
          name: id.replace(/\.(wav|mp3)$/iu, ''),
          languages,
        }))
        .map(withCloned),
    },
    speak: (chunk, signal, profile) =>
      gate.run(signal, () =>
        speakOnce(chunk, signal, profile).catch((error: unknown) => {
          if (!isTalebackError(error) || error.code !== 'voice_profile_missing') throw error;
          return speakOnce(chunk, signal, profile);
        }),
      ),
    probe: (signal) =>
      gate.run(signal, async () => {
        const info = parseModelInfo(await client.getJson('/api/model-info', signal));
        if (!info.isLoaded) {
          throw new TalebackError('model_unavailable', 'The speech service has no model loaded.', {
            details: `${SERVICE}: ${info.words}`,
          });
        }
        const spoken = info.languages.length > 0 ? info.languages : languages;
        const there = parsePredefinedVoices(await client.getJson('/get_predefined_voices', signal), spoken);
        const voices = offeredVoices({ service: SERVICE, there, configured }).map(withCloned);
        return {
          details: `${info.words}; ${there.length} voices`,
          model: info.words,
          repertoire: { languages: spoken, voices },
        };
      }),
  });
};
