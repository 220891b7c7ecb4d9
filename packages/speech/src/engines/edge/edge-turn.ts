import { TalebackError } from '@taleback/core';
import { closedEarly, noAudio } from './edge-connection.ts';
import type { SpeechSocket } from './edge-socket.node.ts';

/** MP3, 24 kHz, 48 kbit/s, one channel: what the browser requests. */
const EDGE_FORMAT = 'audio-24khz-48kbitrate-mono-mp3';

/** How the browser writes a time, such as `Thu Nov 20 2025 10:00:00 GMT+0000 (Coordinated Universal Time)`. */
const browserTime = (nowMs: number): string => {
  const [weekday = '', day, month, year, time] = new Date(nowMs).toUTCString().split(' ');
  return `${weekday.slice(0, 3)} ${month} ${day} ${year} ${time} GMT+0000 (Coordinated Universal Time)`;
};

/** The first frame: the format of the sound, without word boundaries. */
export const formatConfigFrame = (nowMs: number): string =>
  `X-Timestamp:${browserTime(nowMs)}\r\n` +
  'Content-Type:application/json; charset=utf-8\r\n' +
  'Path:speech.config\r\n\r\n' +
  `${JSON.stringify({
    context: {
      synthesis: {
        audio: {
          metadataoptions: { sentenceBoundaryEnabled: 'false', wordBoundaryEnabled: 'false' },
          outputFormat: EDGE_FORMAT,
        },
      },
    },
  })}\r\n`;

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
  const contentType = headers.get('content-type');
  if (contentType !== 'audio/mpeg' && (contentType !== undefined || sound.length > 0)) {
    throw malformed(`sound of the type ${JSON.stringify(contentType ?? null)}`);
  }
  return sound;
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

const escapedBytes = (text: string): number => Buffer.byteLength(escapeXml(text));

/** How many UTF-16 units of the text fit: whole characters, up to the last white space if there is one. */
const fittingLength = (text: string, maxBytes: number): number => {
  let length = 0;
  let sizeBytes = 0;
  let afterBlank = 0;
  for (const character of text) {
    sizeBytes += escapedBytes(character);
    if (sizeBytes > maxBytes) return afterBlank > 0 ? afterBlank : length;
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

/** The long name, which the browser uses: `de-DE-KillianNeural` is `... Voice (de-DE, KillianNeural)`. */
const longNameOf = (voiceId: string): string => {
  const cut = voiceId.lastIndexOf('-');
  return `Microsoft Server Speech Text to Speech Voice (${voiceId.slice(0, cut)}, ${voiceId.slice(cut + 1)})`;
};

/** A rate of speech as a change in percent: 1.25 is `+25%`, 0.5 is `-50%`. */
const rateOf = (speed: number): string => {
  const percent = Math.round((speed - 1) * 100);
  return `${percent < 0 ? '' : '+'}${percent}%`;
};

interface SsmlText {
  /** Not escaped yet. */
  readonly text: string;
  readonly voiceId: string;
  /** BCP 47. */
  readonly language: string;
  readonly speed: number;
}

export const formatSsml = ({ text, voiceId, language, speed }: SsmlText): string =>
  `<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='${escapeXml(language)}'>` +
  `<voice name='${escapeXml(longNameOf(voiceId))}'>` +
  `<prosody pitch='+0Hz' rate='${rateOf(speed)}' volume='+0%'>${escapeXml(text)}</prosody></voice></speak>`;

/** Ten minutes of sound at 48 kbit/s, bytes. 4,096 bytes of text spoken slowly are about eight. */
const MAX_SOUND_BYTES = 3_600_000;

interface Turn {
  readonly ssml: string;
  /** 32 hex digits. */
  readonly requestId: string;
  /** The service's time, epoch milliseconds. */
  readonly nowMs: number;
}

/**
 * One text over a fresh connection: the two frames out, the sound back until `turn.end`.
 *
 * @returns an MP3 stream, never empty
 * @throws TalebackError `audio_missing` for no sound and for sound that broke off, `model_failed` for frames that cannot
 * be read, `provider_rejected` for more sound than speech can be, and what the service reports when it closes.
 */
export const takeTurn = async (socket: SpeechSocket, turn: Turn): Promise<Uint8Array> => {
  socket.send(formatConfigFrame(turn.nowMs));
  socket.send(formatSsmlFrame(turn.ssml, turn.requestId, turn.nowMs));
  const parts: Uint8Array[] = [];
  let audioBytes = 0;
  for (;;) {
    const message = await socket.receive();
    switch (message.kind) {
      case 'closed':
        throw closedEarly({ ...message, audioBytes });
      case 'binary': {
        const sound = parseAudioFrame(message.bytes);
        audioBytes += sound.length;
        if (audioBytes > MAX_SOUND_BYTES) throw endless(audioBytes);
        parts.push(sound);
        break;
      }
      case 'text':
        if (parseTextFrame(message.text) !== 'turn.end') break;
        if (audioBytes === 0) throw noAudio();
        return Buffer.concat(parts);
    }
  }
};

const endless = (audioBytes: number): TalebackError =>
  new TalebackError('provider_rejected', 'The sound of the Edge service does not end.', {
    details: `more than ${MAX_SOUND_BYTES} bytes: ${audioBytes}`,
  });
