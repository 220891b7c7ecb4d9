import { randomUUID } from 'node:crypto';
import { TalebackError } from '@taleback/core';
import { edge } from '@taleback/resilience';
import { decodeMp3, isSilent, isSpeakable, type Pcm } from '../../audio/index.ts';
import { throwIfCancelled } from '../cancellation.ts';
import type { SpeechChunk, SpeechProfile, SynthesisOptions, Voice } from '../engine.ts';
import { checkChunk } from '../remote/check-chunk.ts';
import type { EngineProbe, RemoteEngine } from '../remote/remote-engine.ts';
import type { SpeechHttp } from '../remote/speech-http.ts';
import { tidyText } from '../remote/tidy-text.ts';
import { browserHeaders, DEFAULT_CHROMIUM_VERSION, voicesAddress } from './edge-address.ts';
import { EdgeDoor } from './edge-door.ts';
import { refusedWith } from './edge-fault.ts';
import { formatSsml, splitForService } from './edge-ssml.ts';
import { takeTurn } from './edge-turn.ts';
import { EDGE_VOICES, parseVoiceList } from './edge-voices.ts';
import type { ConnectSocket } from './speech-socket.ts';

export const EDGE_ENDPOINT = 'wss://speech.platform.bing.com/consumer/speech/synthesize/readaloud/edge/v1';

export interface EdgeEngineOptions {
  /** Default EDGE_ENDPOINT. */
  readonly endpoint?: string | undefined;
  readonly connect: ConnectSocket;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The first is the default voice. Default EDGE_VOICES. */
  readonly voices?: readonly Voice[] | undefined;
  /** Where `probe` asks for the voices there are; absent, it only knocks at the door. Needs `http`. */
  readonly voicesUrl?: string | undefined;
  readonly http?: SpeechHttp | undefined;
  /** Default DEFAULT_CHROMIUM_VERSION. */
  readonly chromiumVersion?: string | undefined;
  /** 32 hex digits, new on each call. Default: of a random UUID. */
  readonly newId?: (() => string) | undefined;
}

const randomId = (): string => randomUUID().replaceAll('-', '');

/**
 * The read-aloud voices of Microsoft Edge, each text over a WebSocket of its own. Nobody promised us this service: see
 * `edge` of resilience for how little it is trusted.
 *
 * Sound that breaks off before its end is `audio_missing`, never a success.
 *
 * @throws TalebackError `request_invalid` for the address; from its methods what RemoteEngine names.
 */
export const createEdgeEngine = (options: EdgeEngineOptions): RemoteEngine => {
  const { endpoint = EDGE_ENDPOINT, chromiumVersion = DEFAULT_CHROMIUM_VERSION, newId = randomId } = options;
  const { connect, now, voicesUrl, http } = options;
  const door = new EdgeDoor({ endpoint, chromiumVersion, connect, now, newId });
  let voices = options.voices ?? EDGE_VOICES;

  const turn = async (ssml: string, signal: AbortSignal | undefined): Promise<Pcm> => {
    const socket = await door.enter(signal);
    try {
      return await decodeMp3(await takeTurn(socket, { ssml, requestId: newId(), nowMs: door.now() }));
    } finally {
      socket.close();
    }
  };

  const profile: SpeechProfile = {
    name: 'edge',
    get languages() {
      return [...new Set(voices.flatMap(({ languages }) => languages))];
    },
    voices: () => voices,
    prepareText: tidyText,
  };

  const synthesizeChunk = async (chunk: SpeechChunk, { signal }: SynthesisOptions = {}): Promise<Pcm> => {
    const { voice, text, speed } = checkChunk(profile, chunk, signal);
    const language = voice.languages[0] ?? 'en-US';
    const parts: Pcm[] = [];
    for (const part of splitForService(text).filter(isSpeakable)) {
      parts.push(await turn(formatSsml({ text: part, voiceId: voice.id, language, speed }), signal));
      throwIfCancelled(signal);
    }
    const pcm = joined(parts);
    if (isSilent(pcm.samples)) throw new TalebackError('audio_silent', 'The Edge service made only silence.');
    return pcm;
  };

  const knock = async (signal: AbortSignal): Promise<void> => {
    const socket = await door.enter(signal);
    socket.close();
  };

  const probe = async (signal: AbortSignal): Promise<EngineProbe> => {
    const startedAtMs = now();
    if (voicesUrl === undefined || http === undefined) {
      await knock(signal);
    } else {
      const answer = await door.passed((identity) =>
        http({
          method: 'GET',
          url: voicesAddress(voicesUrl, identity),
          headers: { ...browserHeaders(identity), Accept: '*/*' },
          signal,
        }),
      );
      // A relay may pass on speech and nothing else.
      if (answer.status === 404) await knock(signal);
      else if (answer.status === 200) voices = parseVoiceList(answer.body);
      else throw refusedWith(answer, 'voices');
    }
    return {
      details: `Edge read-aloud, ${voices.length} voices`,
      latencyMs: Math.max(0, now() - startedAtMs),
    };
  };

  return {
    name: profile.name,
    // Asked for each time: a probe may change them.
    get languages() {
      return profile.languages;
    },
    voices: profile.voices,
    prepareText: tidyText,
    endpoint: withoutSecrets(endpoint),
    policy: edge,
    concurrency: edge.bulkhead.maxConcurrent,
    synthesizeChunk,
    probe,
  };
};

/** Parts of one text, one after the other; all have the rate that was asked for. */
const joined = (parts: readonly Pcm[]): Pcm => {
  const [first] = parts;
  if (first === undefined) throw new TalebackError('audio_missing', 'The Edge service made no sound.');
  if (parts.length === 1) return first;
  const { sampleRateHz } = first;
  const samples = new Int16Array(parts.reduce((count, part) => count + part.samples.length, 0));
  let offset = 0;
  for (const part of parts) {
    if (part.sampleRateHz !== sampleRateHz) {
      throw new TalebackError('model_failed', 'The Edge service changed its sample rate within a text.', {
        details: `${sampleRateHz} and ${part.sampleRateHz} Hz`,
      });
    }
    samples.set(part.samples, offset);
    offset += part.samples.length;
  }
  return { sampleRateHz, samples };
};

/** @throws TalebackError `request_invalid`; it does not repeat the address. */
const withoutSecrets = (address: string): string => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^wss?:$/u.test(url.protocol)) {
    throw new TalebackError(
      'request_invalid',
      'The address of the Edge service must begin with wss:// or ws://.',
    );
  }
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/u, '')}`;
};
