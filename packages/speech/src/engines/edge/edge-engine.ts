import { randomUUID } from 'node:crypto';
import { TalebackError } from '@taleback/core';
import { edge } from '@taleback/resilience';
import { decodeMp3 } from '../../audio/mp3-decoder.ts';
import { isSilent, type Pcm } from '../../audio/pcm.ts';
import { throwIfCancelled } from '../../cancellation.ts';
import { tidyText } from '../../text/clean-text.ts';
import { isSpeakable } from '../../text/split-text.ts';
import {
  checkChunk,
  type EngineProbe,
  type RemoteEngine,
  type SpeechChunk,
  type SpeechProfile,
  type SynthesisOptions,
  type Voice,
} from '../engine.ts';
import type { SpeechHttp } from '../remote/speech-http.node.ts';
import { browserHeaders, EdgeConnector, refusedWith, voicesAddress } from './edge-connection.ts';
import type { ConnectSocket } from './edge-socket.node.ts';
import { formatSsml, splitForService, takeTurn } from './edge-turn.ts';
import { EDGE_VOICES, parseVoiceList } from './edge-voices.ts';

export const EDGE_ENDPOINT = 'wss://speech.platform.bing.com/consumer/speech/synthesize/readaloud/edge/v1';

export interface EdgeEngineOptions {
  /** Default EDGE_ENDPOINT. */
  readonly endpoint?: string | undefined;
  readonly connect: ConnectSocket;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The first is the default voice. Default EDGE_VOICES. */
  readonly voices?: readonly Voice[] | undefined;
  /** Where `probe` reads the list of voices; absent, it only opens a connection. Needs `http`. */
  readonly voicesUrl?: string | undefined;
  readonly http?: SpeechHttp | undefined;
  /** Default: a current one. */
  readonly chromiumVersion?: string | undefined;
  /** 32 hex digits, new on each call. Default: of a random UUID. */
  readonly newId?: (() => string) | undefined;
}

const randomId = (): string => randomUUID().replaceAll('-', '');

/**
 * The read-aloud voices of Microsoft Edge, each text over a WebSocket of its own. An unofficial API that may stop working:
 * `edge` of resilience has its careful limits. Truncated sound is `audio_missing`, never a success.
 *
 * @throws TalebackError `request_invalid` for the address; from its methods what RemoteEngine names.
 */
export const createEdgeEngine = (options: EdgeEngineOptions): RemoteEngine => {
  const { endpoint = EDGE_ENDPOINT, chromiumVersion, newId = randomId } = options;
  const { connect, now, voicesUrl, http } = options;
  const service = new EdgeConnector({ endpoint, chromiumVersion, connect, now, newId });
  let voices = options.voices ?? EDGE_VOICES;

  const turn = async (ssml: string, signal: AbortSignal | undefined): Promise<Pcm> => {
    const socket = await service.connect(signal);
    try {
      return await decodeMp3(await takeTurn(socket, { ssml, requestId: newId(), nowMs: service.now() }));
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

  const openAndClose = async (signal: AbortSignal): Promise<void> => {
    const socket = await service.connect(signal);
    socket.close();
  };

  const probe = async (signal: AbortSignal): Promise<EngineProbe> => {
    const startedAtMs = now();
    if (voicesUrl === undefined || http === undefined) {
      await openAndClose(signal);
    } else {
      const answer = await service.request((identity) =>
        http({
          method: 'GET',
          url: voicesAddress(voicesUrl, identity),
          headers: { ...browserHeaders(identity), Accept: '*/*' },
          signal,
        }),
      );
      // A relay may support speech only.
      if (answer.status === 404) await openAndClose(signal);
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
    // Read each time, because a probe may change them.
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

/** The parts of one text in a row; all must have the same rate. */
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

/** @throws TalebackError `request_invalid`, without the address. */
const withoutSecrets = (address: string): string => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^wss?:$/u.test(url.protocol))
    return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/u, '')}`;
  const message = 'The address of the Edge service must begin with wss:// or ws://.';
  throw new TalebackError('request_invalid', message);
};

/** The list of voices for a speech endpoint; undefined for an address of another shape, or with a password. */
export const edgeVoicesUrl = (endpoint: string): string | undefined => {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/edge\/v1\/*$/u, '/voices/list');
  if (path === url.pathname || url.username !== '') return undefined;
  return `${url.protocol === 'wss:' ? 'https' : 'http'}://${url.host}${path}${url.search}`;
};
