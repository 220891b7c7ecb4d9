import { createHash } from 'node:crypto';
import { TalebackError } from '@taleback/core';

/** Sent by every Edge browser. Public, and the same for all. */
const TRUSTED_CLIENT_TOKEN = '6A5AA1D4EAFF4E9FB37E23D68491D6F4';
/** The read-aloud extension that is part of every Edge. */
const EXTENSION_ORIGIN = 'chrome-extension://jdiccldimpdaibmpdkjnbmckianbfold';
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
  const hashed = `${step}0000000${TRUSTED_CLIENT_TOKEN}`;
  return createHash('sha256').update(hashed, 'ascii').digest('hex').toUpperCase();
};

/** What we say that we are. */
export interface EdgeIdentity {
  /** Such as 143.0.3650.75. */
  readonly chromiumVersion: string;
  /** The service's time, epoch milliseconds. */
  readonly nowMs: number;
  /** 32 hex digits, new on each call. */
  readonly newId: () => string;
}

const withToken = (address: string, tokenName: string, identity: EdgeIdentity): URL => {
  const url = new URL(address);
  url.searchParams.set(tokenName, TRUSTED_CLIENT_TOKEN);
  url.searchParams.set('Sec-MS-GEC', serviceToken(identity.nowMs));
  url.searchParams.set('Sec-MS-GEC-Version', `1-${identity.chromiumVersion}`);
  return url;
};

export const speechAddress = (endpoint: string, identity: EdgeIdentity): string => {
  const url = withToken(endpoint, 'TrustedClientToken', identity);
  url.searchParams.set('ConnectionId', identity.newId());
  return url.href;
};

export const voicesAddress = (voicesUrl: string, identity: EdgeIdentity): string =>
  withToken(voicesUrl, 'trustedclienttoken', identity).href;

/** What the service expects of a browser. */
export const browserHeaders = ({ chromiumVersion, newId }: EdgeIdentity): Record<string, string> => {
  const [major] = chromiumVersion.split('.');
  return {
    'User-Agent':
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
      `Chrome/${major}.0.0.0 Safari/537.36 Edg/${major}.0.0.0`,
    'Accept-Language': 'en-US,en;q=0.9',
    Cookie: `muid=${newId().toUpperCase()};`,
  };
};

export const socketHeaders = (identity: EdgeIdentity): Record<string, string> => ({
  ...browserHeaders(identity),
  Origin: EXTENSION_ORIGIN,
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache',
});

/** How the browser writes a time, such as `Thu Nov 20 2025 10:00:00 GMT+0000 (Coordinated Universal Time)`. */
const browserTime = (nowMs: number): string => {
  const [weekday = '', day, month, year, time] = new Date(nowMs).toUTCString().split(' ');
  return `${weekday.slice(0, 3)} ${month} ${day} ${year} ${time} GMT+0000 (Coordinated Universal Time)`;
};

/** What the browser requests: MP3, 24 kHz, 48 kbit/s, one channel, without word boundaries. */
const AUDIO = {
  metadataoptions: { sentenceBoundaryEnabled: 'false', wordBoundaryEnabled: 'false' },
  outputFormat: 'audio-24khz-48kbitrate-mono-mp3',
};

/** The first frame: the format of the sound. */
export const formatConfigFrame = (nowMs: number): string =>
  `X-Timestamp:${browserTime(nowMs)}\r\n` +
  'Content-Type:application/json; charset=utf-8\r\n' +
  'Path:speech.config\r\n\r\n' +
  `${JSON.stringify({ context: { synthesis: { audio: AUDIO } } })}\r\n`;

/** The second frame: what to say. The browser writes a Z after a time that names its zone, and so do we. */
export const formatSsmlFrame = (ssml: string, requestId: string, nowMs: number): string =>
  `X-RequestId:${requestId}\r\n` +
  'Content-Type:application/ssml+xml\r\n' +
  `X-Timestamp:${browserTime(nowMs)}Z\r\n` +
  `Path:ssml\r\n\r\n${ssml}`;

const malformed = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The Edge service sent a frame that cannot be read.', { details });

/** Names in lower case. */
const parseHeaders = (head: string): ReadonlyMap<string, string> =>
  new Map(
    head
      .split('\r\n')
      .filter((line) => line !== '')
      .map((line) => {
        const colon = line.indexOf(':');
        if (colon < 1) throw malformed(`header line ${JSON.stringify(line.slice(0, 60))}`);
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
  );

/**
 * The path of a text frame: `turn.start`, `response`, `audio.metadata`, `turn.end` or an unknown one.
 *
 * @throws TalebackError `model_failed` when it is no frame.
 */
export const parseTextFrame = (text: string): string => {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) throw malformed(`no end of headers in ${JSON.stringify(text.slice(0, 60))}`);
  const path = parseHeaders(text.slice(0, end)).get('path');
  if (path === undefined) throw malformed('a text frame without a path');
  return path;
};

/**
 * The sound of a binary frame: two bytes with the length of the headers (big-endian), the headers, the sound. The
 * last frame of a turn has no content type and no sound.
 *
 * @throws TalebackError `model_failed` when it is no frame with sound in MP3.
 */
export const parseAudioFrame = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  if (bytes.length < 2) throw malformed(`a binary frame of ${bytes.length} bytes`);
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint16(0);
  if (headerBytes > bytes.length - 2) {
    throw malformed(`${headerBytes} bytes of headers in a binary frame of ${bytes.length}`);
  }
  const headers = parseHeaders(Buffer.from(bytes.subarray(2, 2 + headerBytes)).toString('latin1'));
  const path = headers.get('path');
  if (path !== 'audio') throw malformed(`a binary frame with the path ${JSON.stringify(path ?? null)}`);
  const sound = bytes.subarray(2 + headerBytes);
  const type = headers.get('content-type');
  if (type === 'audio/mpeg' || (type === undefined && sound.length === 0)) return sound;
  throw malformed(`sound of the type ${JSON.stringify(type ?? null)}`);
};

/** The service accepts this much text at once, counted between the tags. */
const MAX_TEXT_BYTES = 4096;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/gu, (sign) => ENTITIES[sign] ?? sign);

/** How many UTF-16 units of the text fit: whole characters, up to the last white space if there is one. */
const fittingLength = (text: string, maxBytes: number): number => {
  let length = 0;
  let sizeBytes = 0;
  let afterBlank = 0;
  for (const character of text) {
    sizeBytes += Buffer.byteLength(escapeXml(character));
    if (sizeBytes > maxBytes) return afterBlank || length;
    length += character.length;
    if (/\s/u.test(character)) afterBlank = length;
  }
  return length;
};

/**
 * Cuts a text into parts that the service accepts, each with at most `maxBytes` bytes once it is escaped; between words,
 * unless one word is longer. A chunk of a narration is one part.
 */
export const splitForService = (text: string, maxBytes: number = MAX_TEXT_BYTES): string[] => {
  const parts: string[] = [];
  for (let rest = text.trim(); rest !== ''; ) {
    const length = fittingLength(rest, maxBytes);
    if (length === 0) throw new RangeError(`maxBytes is ${maxBytes}, less than one character`);
    parts.push(rest.slice(0, length).trim());
    rest = rest.slice(length).trim();
  }
  return parts;
};

interface SsmlText {
  /** Not escaped yet. */
  readonly text: string;
  /** Such as `de-DE-KillianNeural`. */
  readonly voiceId: string;
  /** BCP 47. */
  readonly language: string;
  readonly speed: number;
}

export const formatSsml = ({ text, voiceId, language, speed }: SsmlText): string => {
  // The long name of the voice, which the browser uses.
  const longName = `Microsoft Server Speech Text to Speech Voice (${voiceId.replace(/-(?=[^-]*$)/u, ', ')})`;
  const percent = Math.round((speed - 1) * 100);
  return (
    `<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='${escapeXml(language)}'>` +
    `<voice name='${escapeXml(longName)}'>` +
    `<prosody pitch='+0Hz' rate='${percent < 0 ? '' : '+'}${percent}%' volume='+0%'>` +
    `${escapeXml(text)}</prosody></voice></speak>`
  );
};
