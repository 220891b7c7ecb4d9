import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The service's side of the Edge wire, written from its description and not from our client. */

const TRUSTED = '6A5AA1D4EAFF4E9FB37E23D68491D6F4';
const STEP_TICKS = 3_000_000_000n;
const HEX_32 = /^[0-9a-f]{32}$/u;

const tokenAt = (ticks: bigint): string =>
  createHash('sha256').update(`${ticks}${TRUSTED}`).digest('hex').toUpperCase();

/** The tokens that hold at a time: of its five minutes, and of those before and after. */
const tokensAt = (nowMs: number): readonly string[] => {
  const ticks = (BigInt(Math.floor(nowMs)) + 11_644_473_600_000n) * 10_000n;
  const step = ticks - (ticks % STEP_TICKS);
  return [step, step - STEP_TICKS, step + STEP_TICKS].map(tokenAt);
};

/** What is wrong with a request's address and headers; nothing when it may enter. */
export const entryFaults = (url: URL, headers: IncomingHttpHeaders, nowMs: number): readonly string[] => {
  const isSocket = url.pathname.endsWith('/edge/v1');
  const query = url.searchParams;
  return [
    query.get(isSocket ? 'TrustedClientToken' : 'trustedclienttoken') === TRUSTED ? '' : 'client token',
    tokensAt(nowMs).includes(query.get('Sec-MS-GEC') ?? '') ? '' : 'Sec-MS-GEC',
    /^1-\d+\.\d+\.\d+\.\d+$/u.test(query.get('Sec-MS-GEC-Version') ?? '') ? '' : 'Sec-MS-GEC-Version',
    !isSocket || HEX_32.test(query.get('ConnectionId') ?? '') ? '' : 'ConnectionId',
    !isSocket || headers.origin === 'chrome-extension://jdiccldimpdaibmpdkjnbmckianbfold' ? '' : 'Origin',
    / Edg\/\d+\.0\.0\.0$/u.test(headers['user-agent'] ?? '') ? '' : 'User-Agent',
    /^muid=[0-9A-F]{32};$/u.test(headers.cookie ?? '') ? '' : 'Cookie',
  ].filter((fault) => fault !== '');
};

interface Frame {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const parseFrame = (text: string): Frame => {
  const end = text.indexOf('\r\n\r\n');
  const lines = end === -1 ? [] : text.slice(0, end).split('\r\n');
  return {
    headers: Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    ),
    body: text.slice(end + 4),
  };
};

const TIME =
  /^(Sun|Mon|Tue|Wed|Thu|Fri|Sat) \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT\+0000 \(Coordinated Universal Time\)$/u;

/** What is wrong with the first frame. */
export const configFaults = (text: string): readonly string[] => {
  const { headers, body } = parseFrame(text);
  const expected = JSON.stringify({
    context: {
      synthesis: {
        audio: {
          metadataoptions: { sentenceBoundaryEnabled: 'false', wordBoundaryEnabled: 'false' },
          outputFormat: 'audio-24khz-48kbitrate-mono-mp3',
        },
      },
    },
  });
  return [
    Object.keys(headers).join() === 'X-Timestamp,Content-Type,Path' ? '' : 'config headers',
    TIME.test(headers['X-Timestamp'] ?? '') ? '' : 'config time',
    headers['Content-Type'] === 'application/json; charset=utf-8' ? '' : 'config type',
    headers['Path'] === 'speech.config' ? '' : 'config path',
    body === `${expected}\r\n` ? '' : 'config body',
  ].filter((fault) => fault !== '');
};

export interface SpokenRequest {
  readonly requestId: string;
  /** Short, such as `de-DE-KillianNeural`. */
  readonly voice: string;
  readonly language: string;
  readonly speed: number;
  /** With the entities resolved. */
  readonly text: string;
}

const SSML =
  /^<speak version='1\.0' xmlns='http:\/\/www\.w3\.org\/2001\/10\/synthesis' xml:lang='([\w-]+)'><voice name='Microsoft Server Speech Text to Speech Voice \(([\w-]+), (\w+)\)'><prosody pitch='\+0Hz' rate='([+-]\d+)%' volume='\+0%'>([^<>]*)<\/prosody><\/voice><\/speak>$/u;
const PLAIN: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const BAD_TEXT = /&(?!(?:amp|lt|gt|quot|apos);)|(?![\t\n\r])\p{Cc}/u;

/** The second frame, or what is wrong with it. */
export const parseSsmlFrame = (text: string): SpokenRequest | string => {
  const { headers, body } = parseFrame(text);
  const requestId = headers['X-RequestId'] ?? '';
  if (!HEX_32.test(requestId)) return 'request id';
  if (headers['Content-Type'] !== 'application/ssml+xml') return 'ssml type';
  if (headers['Path'] !== 'ssml') return 'ssml path';
  const time = headers['X-Timestamp'] ?? '';
  if (!time.endsWith('Z') || !TIME.test(time.slice(0, -1))) return 'ssml time';
  const [whole, language = '', locale, name, percent, escaped = ''] = SSML.exec(body) ?? [];
  if (whole === undefined) return 'Invalid SSML';
  if (BAD_TEXT.test(escaped)) return 'Invalid text in SSML';
  if (Buffer.byteLength(escaped) > 4096) return 'SSML text of more than 4096 bytes';
  return {
    requestId,
    language,
    voice: `${locale}-${name}`,
    speed: 1 + Number(percent) / 100,
    text: escaped.replace(/&(\w+);/gu, (_match, entity: string) => PLAIN[entity] ?? ''),
  };
};

export const textFrame = (requestId: string, path: string, body: object): string =>
  `X-RequestId:${requestId}\r\nContent-Type:application/json; charset=utf-8\r\nPath:${path}\r\n\r\n${JSON.stringify(body)}`;

/** The two bytes, the headers, the sound. Without sound it is the frame that closes a stream. */
export const audioFrame = (requestId: string, sound: Uint8Array, path = 'audio'): Buffer => {
  const type = sound.length === 0 ? '' : 'Content-Type:audio/mpeg\r\n';
  const head = Buffer.from(`X-RequestId:${requestId}\r\n${type}X-StreamId:${requestId}\r\nPath:${path}\r\n`);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(head.length);
  return Buffer.concat([length, head, sound]);
};
