import { randomUUID } from 'node:crypto';
import { classifyWords, type ErrorCode, TalebackError } from '@taleback/core';
import { edge, type ResilienceProfile } from '@taleback/resilience';
import { decodeMp3 } from '../../audio/mp3-decoder.ts';
import { isSilent, joinSamples, type Pcm } from '../../audio/pcm.ts';
import { throwIfCancelled } from '../../cancellation.ts';
import { isSpeakable } from '../../text/split-text.ts';
import type { RemoteEngine, Voice } from '../engine.ts';
import { createRemoteEngine, type Repertoire } from '../remote/remote-engine.ts';
import { readRefusal, serviceFault } from '../remote/service-fault.ts';
import type { HttpAnswer, SpeechHttp } from '../remote/speech-http.node.ts';
import { type Conversation, type ConversationEnd, converse } from './edge-socket.node.ts';
import { EDGE_VOICES, parseVoiceList } from './edge-voices.ts';
import {
  browserHeaders,
  type EdgeIdentity,
  formatConfigFrame,
  formatSsml,
  formatSsmlFrame,
  parseAudioFrame,
  parseTextFrame,
  socketHeaders,
  speechAddress,
  splitForService,
  voicesAddress,
} from './edge-wire.ts';

export const EDGE_ENDPOINT = 'wss://speech.platform.bing.com/consumer/speech/synthesize/readaloud/edge/v1';

/**
 * The browser version that we send. The service refuses old ones with 403 after some months, so it can be set.
 *
 * @see https://github.com/rany2/edge-tts/issues/458
 */
const DEFAULT_CHROMIUM_VERSION = '143.0.3650.75';

/** Ten minutes of sound at 48 kbit/s, bytes. 4,096 bytes of text spoken slowly are about eight. */
const MAX_SOUND_BYTES = 3_600_000;

export interface EdgeEngineOptions {
  /** Default EDGE_ENDPOINT. */
  readonly endpoint?: string | undefined;
  /** Epoch milliseconds. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
  /** The first is the default voice. Default EDGE_VOICES. */
  readonly voices?: readonly Voice[] | undefined;
  /** Where `probe` reads the list of voices; absent, it only opens a connection. Needs `http`. */
  readonly voicesUrl?: string | undefined;
  readonly http?: SpeechHttp | undefined;
  /** Default: `edge` of resilience. */
  readonly policy?: ResilienceProfile | undefined;
  /** Default: a current one. */
  readonly chromiumVersion?: string | undefined;
}

/** 32 hex digits, new on each call. */
const newId = (): string => randomUUID().replaceAll('-', '');

type Answered = Pick<HttpAnswer, 'status'> & Partial<HttpAnswer>;

/** @throws TalebackError `request_invalid`, without the address. */
const withoutSecrets = (address: string): string => {
  const url = URL.parse(address);
  if (url !== null && /^wss?:$/u.test(url.protocol))
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

const repertoireOf = (voices: readonly Voice[]): Repertoire => ({
  voices,
  languages: [...new Set(voices.flatMap(({ languages }) => languages))],
});

/**
 * The read-aloud voices of Microsoft Edge, each text over a WebSocket of its own. An unofficial API that may stop working:
 * `edge` of resilience has its careful limits. Truncated sound is `audio_missing`, never a success.
 *
 * @throws TalebackError `request_invalid` for the address; from its methods what RemoteEngine names.
 */
export const createEdgeEngine = (options: EdgeEngineOptions = {}): RemoteEngine => {
  const { endpoint = EDGE_ENDPOINT, chromiumVersion = DEFAULT_CHROMIUM_VERSION, now = Date.now } = options;
  const { voicesUrl, http, policy = edge } = options;
  let skewMs = 0;
  let { voices = EDGE_VOICES } = options;

  /**
   * Sends a request. Its tokens depend on the time, so the service answers a wrong clock with 403: then the skew is computed
   * from its `Date` header, kept, and the request is repeated once.
   *
   * @see https://github.com/rany2/edge-tts/blob/master/src/edge_tts/drm.py
   */
  const request = async <T extends Answered>(send: (identity: EdgeIdentity) => Promise<T>): Promise<T> => {
    const identify = (): EdgeIdentity => ({ chromiumVersion, newId, nowMs: now() + skewMs });
    const first = await send(identify());
    if (first.status !== 403) return first;
    const serverMs = Date.parse(first.headers?.['date'] ?? '');
    if (!Number.isNaN(serverMs)) skewMs = serverMs - now();
    return send(identify());
  };

  /** A conversation over a connection to the service. @throws TalebackError `permission_denied` when 403 stays */
  const connect = async (
    framesAt: (nowMs: number) => readonly string[],
    { signal, onMessage }: Pick<Conversation, 'signal' | 'onMessage'>,
  ): Promise<Exclude<ConversationEnd, { kind: 'refused' }>> => {
    const end = await request((identity) =>
      converse({
        url: speechAddress(endpoint, identity),
        headers: socketHeaders(identity),
        frames: framesAt(identity.nowMs),
        signal,
        onMessage,
      }),
    );
    if (end.kind === 'refused') throw refusedWith(end, 'handshake');
    return end;
  };

  /** One text over a fresh connection: two frames out, the sound back until `turn.end`. */
  const speakPart = async (ssml: string, signal: AbortSignal | undefined): Promise<Pcm> => {
    const parts: Uint8Array[] = [];
    let audioBytes = 0;
    const onMessage: Conversation['onMessage'] = (message) => {
      if (typeof message === 'string') return parseTextFrame(message) === 'turn.end';
      const sound = parseAudioFrame(message);
      audioBytes += sound.length;
      if (audioBytes > MAX_SOUND_BYTES) {
        throw new TalebackError('provider_rejected', 'The sound of the Edge service does not end.', {
          details: `more than ${MAX_SOUND_BYTES} bytes: ${audioBytes}`,
        });
      }
      parts.push(sound);
      return false;
    };
    const framesAt = (nowMs: number) => [formatConfigFrame(nowMs), formatSsmlFrame(ssml, newId(), nowMs)];
    const end = await connect(framesAt, { signal, onMessage });
    if (end.kind === 'closed') throw closedEarly(end, audioBytes);
    if (audioBytes > 0) return decodeMp3(Buffer.concat(parts));
    // The service does not report why: a voice that was withdrawn or does not speak the language, an old browser version,
    // too many requests from one address, an outage.
    throw new TalebackError('audio_missing', 'The Edge service ended its turn without any sound.', {
      details: 'NoAudioReceived: turn.end without audio',
    });
  };

  const openAndClose = (signal: AbortSignal) => connect(() => [], { signal, onMessage: () => true });

  return createRemoteEngine({
    name: 'edge',
    policy,
    endpoint: withoutSecrets(endpoint),
    now,
    repertoire: repertoireOf(voices),
    speak: async ({ voice, text, speed }, signal) => {
      const language = voice.languages[0] ?? 'en-US';
      const parts: Pcm[] = [];
      for (const part of splitForService(text).filter(isSpeakable)) {
        const ssml = formatSsml({ text: part, voiceId: voice.id, language, speed });
        parts.push(await speakPart(ssml, signal));
        throwIfCancelled(signal);
      }
      const pcm = joined(parts);
      if (!isSilent(pcm.samples)) return pcm;
      throw new TalebackError('audio_silent', 'The Edge service made only silence.');
    },
    probe: async (signal) => {
      if (voicesUrl === undefined || http === undefined) {
        await openAndClose(signal);
      } else {
        const answer = await request((identity) => {
          const headers = { ...browserHeaders(identity), Accept: '*/*' };
          return http({ method: 'GET', url: voicesAddress(voicesUrl, identity), headers, signal });
        });
        // A relay may support speech only.
        if (answer.status === 404) await openAndClose(signal);
        else if (answer.status === 200) voices = parseVoiceList(answer.body);
        else throw refusedWith(answer, 'voices');
      }
      return { details: `Edge read-aloud, ${voices.length} voices`, repertoire: repertoireOf(voices) };
    },
  });
};

/** The parts of one text in a row; all must have the same rate. */
const joined = (parts: readonly Pcm[]): Pcm => {
  const [first] = parts;
  if (first === undefined) throw new TalebackError('audio_missing', 'The Edge service made no sound.');
  const { sampleRateHz } = first;
  const other = parts.find((part) => part.sampleRateHz !== sampleRateHz);
  if (other !== undefined) {
    throw new TalebackError('model_failed', 'The Edge service changed its sample rate within a text.', {
      details: `${sampleRateHz} and ${other.sampleRateHz} Hz`,
    });
  }
  return { sampleRateHz, samples: joinSamples(parts.map(({ samples }) => samples)) };
};

/** The error for an answer that is not a success. @param what was requested, such as `handshake` */
const refusedWith = ({ status, headers = {}, body = new Uint8Array(0) }: Answered, what: string) => {
  const note = 'also with its own time: the browser version may be too old, or this address is blocked';
  return serviceFault(readRefusal({ status, headers, body }), {
    service: `edge (${what})`,
    codeOf: () => (status >= 500 ? 'provider_unavailable' : undefined),
    note: status === 403 ? note : undefined,
  });
};

/** Codes that the service's words may lead to; for others the code of the close frame says more. */
const CLEAR_CODES: ReadonlySet<ErrorCode> = new Set([
  'credentials_invalid',
  'language_unsupported',
  'permission_denied',
  'provider_quota_exceeded',
  'provider_rate_limited',
  'text_too_long',
  'voice_language_mismatch',
  'voice_not_found',
]);

/** A connection that ended before the turn did. Its sound is discarded: the last words are missing. */
const closedEarly = (
  { code, reason }: { readonly code: number; readonly reason: string },
  audioBytes: number,
): TalebackError => {
  const details = `closed with ${code}${reason === '' ? '' : ` "${reason.slice(0, 300)}"`} before turn.end`;
  if (audioBytes > 0) {
    return new TalebackError('audio_missing', 'The Edge service broke off in the middle of the sound.', {
      details: `${details}, after ${audioBytes} bytes of sound`,
    });
  }
  const fault = (faultCode: ErrorCode, message: string) => new TalebackError(faultCode, message, { details });
  const read = classifyWords({ error: reason });
  if (CLEAR_CODES.has(read)) return fault(read, `The Edge service said: ${reason.slice(0, 300)}`);
  // They blame what was sent: kind of data, its content, policy.
  if (code === 1003 || code === 1007 || code === 1008)
    return fault('provider_rejected', 'The Edge service did not accept the text.');
  // Internal error, restart, try again later, bad gateway.
  if (code >= 1011 && code <= 1014) return fault('provider_unavailable', 'The Edge service is in trouble.');
  return fault('audio_missing', 'The Edge service closed the connection without any sound.');
};
