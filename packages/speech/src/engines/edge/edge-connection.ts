import { createHash } from 'node:crypto';
import { classifyWords, type ErrorCode, TalebackError } from '@taleback/core';
import { type Refusal, readRefusal, serviceFault } from '../remote/service-fault.ts';
import type { HttpAnswer } from '../remote/speech-http.node.ts';
import type { ConnectSocket, SpeechSocket } from './edge-socket.node.ts';

/** Sent by every Edge browser. Public, and the same for all. */
const TRUSTED_CLIENT_TOKEN = '6A5AA1D4EAFF4E9FB37E23D68491D6F4';

/** Seconds from 1601-01-01, the epoch of Windows, to 1970-01-01. */
const WINDOWS_EPOCH_SECONDS = 11_644_473_600;
/** A token is valid this long; the service accepts the adjacent ones too. */
const STEP_SECONDS = 300;

/**
 * `Sec-MS-GEC`: SHA-256, in upper-case hex, of the Windows time in 100 ns ticks, floored to five minutes, followed by
 * the client token.
 *
 * @param nowMs the service's time, epoch milliseconds
 * @see https://github.com/rany2/edge-tts/blob/master/src/edge_tts/drm.py
 */
export const serviceToken = (nowMs: number): string => {
  const seconds = Math.floor(nowMs / 1000) + WINDOWS_EPOCH_SECONDS;
  const step = seconds - (seconds % STEP_SECONDS);
  // Ticks are seconds times 10^7, which a number no longer holds exactly.
  return createHash('sha256')
    .update(`${step}0000000${TRUSTED_CLIENT_TOKEN}`, 'ascii')
    .digest('hex')
    .toUpperCase();
};

/**
 * The browser version that we send. The service refuses old ones with 403 after some months, so it can be set.
 *
 * @see https://github.com/rany2/edge-tts/issues/458
 */
const DEFAULT_CHROMIUM_VERSION = '143.0.3650.75';

/** The read-aloud extension that is part of every Edge. */
const EXTENSION_ORIGIN = 'chrome-extension://jdiccldimpdaibmpdkjnbmckianbfold';

interface EdgeIdentity {
  /** Such as 143.0.3650.75. */
  readonly chromiumVersion: string;
  /** The service's time, epoch milliseconds. */
  readonly nowMs: number;
  /** 32 hex digits, new on each call. */
  readonly newId: () => string;
}

const major = (chromiumVersion: string): string => chromiumVersion.split('.')[0] ?? '';

const withToken = (address: string, tokenName: string, identity: EdgeIdentity): URL => {
  const url = new URL(address);
  url.searchParams.set(tokenName, TRUSTED_CLIENT_TOKEN);
  url.searchParams.set('Sec-MS-GEC', serviceToken(identity.nowMs));
  url.searchParams.set('Sec-MS-GEC-Version', `1-${identity.chromiumVersion}`);
  return url;
};

/** The address for one text. */
export const speechAddress = (endpoint: string, identity: EdgeIdentity): string => {
  const url = withToken(endpoint, 'TrustedClientToken', identity);
  url.searchParams.set('ConnectionId', identity.newId());
  return url.href;
};

/** The address of the list of voices. */
export const voicesAddress = (voicesUrl: string, identity: EdgeIdentity): string =>
  withToken(voicesUrl, 'trustedclienttoken', identity).href;

/** What the service expects of a browser. */
export const browserHeaders = ({
  chromiumVersion,
  newId,
}: EdgeIdentity): Readonly<Record<string, string>> => ({
  'User-Agent':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    `Chrome/${major(chromiumVersion)}.0.0.0 Safari/537.36 Edg/${major(chromiumVersion)}.0.0.0`,
  'Accept-Language': 'en-US,en;q=0.9',
  Cookie: `muid=${newId().toUpperCase()};`,
});

export const socketHeaders = (identity: EdgeIdentity): Readonly<Record<string, string>> => ({
  ...browserHeaders(identity),
  Origin: EXTENSION_ORIGIN,
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache',
});

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

/** Close codes that blame what was sent: kind of data, its content, policy. Others may be transient. */
const REJECTING: ReadonlySet<number> = new Set([1003, 1007, 1008]);

export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
  /** Sound received by then. */
  readonly audioBytes: number;
}

/** A connection that ended before the turn did. Its sound is discarded: the last words are missing. */
export const closedEarly = ({ code, reason, audioBytes }: SocketEnd): TalebackError => {
  const details = `closed with ${code}${reason === '' ? '' : ` "${reason.slice(0, 300)}"`} before turn.end`;
  if (audioBytes > 0) {
    return new TalebackError('audio_missing', 'The Edge service broke off in the middle of the sound.', {
      details: `${details}, after ${audioBytes} bytes of sound`,
    });
  }
  const read = classifyWords({ error: reason });
  if (CLEAR_CODES.has(read))
    return new TalebackError(read, `The Edge service said: ${reason.slice(0, 300)}`, { details });
  if (REJECTING.has(code)) {
    return new TalebackError('provider_rejected', 'The Edge service did not accept the text.', { details });
  }
  // 1011 to 1014: internal error, restart, try again later, bad gateway.
  if (code >= 1011 && code <= 1014) {
    return new TalebackError('provider_unavailable', 'The Edge service is in trouble.', { details });
  }
  return new TalebackError('audio_missing', 'The Edge service closed the connection without any sound.', {
    details,
  });
};

/**
 * A turn that ended without sound. The service does not report why: a voice that was withdrawn or does not speak the
 * language, an old browser version, too many requests from one address, an outage.
 */
export const noAudio = (): TalebackError =>
  new TalebackError('audio_missing', 'The Edge service ended its turn without any sound.', {
    details: 'NoAudioReceived: turn.end without audio',
  });

const codeOf = ({ status }: Refusal): ErrorCode | undefined =>
  status >= 500 ? 'provider_unavailable' : undefined;

/**
 * The error for an answer that is not a success. A 403 is one that stayed after the clock was corrected.
 *
 * @param what was requested, such as `handshake`
 */
export const refusedWith = (answer: HttpAnswer, what: string): TalebackError =>
  serviceFault(readRefusal(answer), {
    service: `edge (${what})`,
    codeOf,
    ...(answer.status === 403
      ? { note: 'also with its own time: the browser version may be too old, or this address is blocked' }
      : {}),
  });

export interface EdgeConnectorOptions {
  readonly endpoint: string;
  /** Default: a current one. */
  readonly chromiumVersion?: string | undefined;
  readonly connect: ConnectSocket;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
}

const NO_BODY = new Uint8Array(0);

/**
 * Connects to the service. Its tokens depend on the time, so it answers a wrong clock with 403: then the skew is computed
 * from its `Date` header, kept, and the request is repeated once.
 *
 * @see https://github.com/rany2/edge-tts/blob/master/src/edge_tts/drm.py
 */
export class EdgeConnector {
  readonly #options: EdgeConnectorOptions;
  #skewMs = 0;

  constructor(options: EdgeConnectorOptions) {
    this.#options = options;
  }

  /** The service's time, epoch milliseconds. */
  now(): number {
    return this.#options.now() + this.#skewMs;
  }

  identity(): EdgeIdentity {
    const { chromiumVersion = DEFAULT_CHROMIUM_VERSION, newId } = this.#options;
    return { chromiumVersion, newId, nowMs: this.now() };
  }

  /** @throws TalebackError `permission_denied` when 403 stays, what a status means, what `connect` throws. */
  async connect(signal: AbortSignal | undefined): Promise<SpeechSocket> {
    const { connect, endpoint } = this.#options;
    const opening = await this.request(async (identity) => {
      const opened = await connect({
        url: speechAddress(endpoint, identity),
        headers: socketHeaders(identity),
        signal,
      });
      return opened.kind === 'open'
        ? { ...opened, status: 101, headers: {}, body: NO_BODY }
        : { ...opened, body: NO_BODY };
    });
    if (opening.kind === 'open') return opening.socket;
    throw refusedWith(opening, 'handshake');
  }

  /** Sends a request, and after a 403 once more with the time corrected. */
  async request<T extends HttpAnswer>(send: (identity: EdgeIdentity) => Promise<T>): Promise<T> {
    const first = await send(this.identity());
    if (first.status !== 403) return first;
    const serverMs = Date.parse(first.headers['date'] ?? '');
    if (!Number.isNaN(serverMs)) this.#skewMs = serverMs - this.#options.now();
    return send(this.identity());
  }
}
