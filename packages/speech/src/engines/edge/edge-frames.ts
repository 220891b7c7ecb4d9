import { TalebackError } from '@taleback/core';

/** MP3, 24 kHz, 48 kbit/s, one channel: what the browser itself asks for. */
export const EDGE_FORMAT = 'audio-24khz-48kbitrate-mono-mp3';

/** How the browser writes a time, such as `Thu Nov 20 2025 10:00:00 GMT+0000 (Coordinated Universal Time)`. */
const browserTime = (nowMs: number): string => {
  const [weekday = '', day, month, year, time] = new Date(nowMs).toUTCString().split(' ');
  return `${weekday.slice(0, 3)} ${month} ${day} ${year} ${time} GMT+0000 (Coordinated Universal Time)`;
};

/** The first frame: the format of the sound, and that no word boundaries are wanted. */
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
 * What a text frame is about: `turn.start`, `response`, `audio.metadata`, `turn.end`, or what is new.
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
 * The sound of a binary frame: two bytes that say how long the headers are (big-endian), the headers, the sound. The
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
