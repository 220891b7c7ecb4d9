import * as fc from 'fast-check';
import { bodyOf } from './fuzz-bodies.ts';

const LINES = [
  'POST /api/tts/callback HTTP/1.1',
  'POST /api/tts/generate HTTP/1.1',
  'POST /api/tts/callback HTTP/1.0',
  'POST /api/tts/callback HTTP/9.9',
  'POST /api/tts/callback',
  'POST  /api/tts/callback HTTP/1.1',
  'POST http://evil.example/api/tts/callback HTTP/1.1',
  'POST //evil.example/api/tts/callback HTTP/1.1',
  'POST /api/tts/../tts/callback HTTP/1.1',
  'POST /api\\tts\\callback HTTP/1.1',
  'POST /api/tts/call\u00e4back HTTP/1.1',
  'POST /api/tts/callback#x HTTP/1.1',
  'POST * HTTP/1.1',
  'POST evil.example:443 HTTP/1.1',
  'CONNECT evil.example:443 HTTP/1.1',
  'TRACE /api/tts/callback HTTP/1.1',
  'TRACK /api/tts/callback HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'get /api/tts/health HTTP/1.1',
  'PRI * HTTP/2.0',
  '\u0016\u0003\u0001 HTTP/1.1',
] as const;

/** Ways to disagree about where a body ends, and headers that should not be. */
const HEADERS: readonly ((length: number) => string)[] = [
  (length) => `content-length: ${length}\r\ncontent-length: ${length}`,
  (length) => `content-length: ${length}\r\ncontent-length: 0`,
  (length) => `content-length: ${length}, ${length}`,
  (length) => `content-length: +${length}`,
  (length) => `content-length: -${length}`,
  (length) => `content-length: 0x${length.toString(16)}`,
  (length) => `content-length: ${length}.0`,
  () => 'content-length: 99999999999999999999',
  () => 'content-length: 262145',
  (length) => `content-length : ${length}`,
  (length) => `Content-Length: ${length}\r\ntransfer-encoding: chunked`,
  () => 'transfer-encoding: chunked',
  () => 'transfer-encoding: chunked, identity',
  () => 'transfer-encoding: identity',
  () => 'transfer-encoding: xchunked',
  () => 'transfer-encoding:\tchunked',
  () => 'transfer-encoding: chunked\r\ntransfer-encoding: identity',
  () => 'Transfer-Encoding\u0000: chunked',
  (length) => `content-length: ${length}\r\nx-long: ${'x'.repeat(20_000)}`,
  (length) => `content-length: ${length}\r\n${'x-many: 1\r\n'.repeat(1_500)}x-last: 1`,
  (length) => `content-length: ${length}\r\nx-folded: a\r\n b`,
  (length) => `content-length: ${length}\r\nx nul: \u0000`,
  (length) => `content-length: ${length}\nhost: other`,
  (length) => `content-length: ${length}\r\nhost: other\r\nhost: third`,
  (length) => `content-length: ${length}\r\nexpect: 100-continue`,
  (length) => `content-length: ${length}\r\nexpect: the-unexpected`,
  (length) => `content-length: ${length}\r\nupgrade: h2c\r\nhttp2-settings: AAA`,
  (length) => `content-length: ${length}\r\nwebhook-id: a\r\nwebhook-id: b\r\nwebhook-signature: v1,AA`,
];

const chunked = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;

const smuggled =
  'POST /api/tts/callback HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{"story_id":"s","r2_path":"p"}';

/** Bytes on a connection that no well-behaved client writes. */
export const rawBytes: fc.Arbitrary<Buffer> = fc
  .record({
    line: fc.oneof(
      { weight: 2, arbitrary: fc.constant(LINES[0]) },
      { weight: 3, arbitrary: fc.constantFrom(...LINES) },
    ),
    header: fc.constantFrom(...HEADERS),
    body: bodyOf('callback', fc.constant('"s"')),
    frame: fc.constantFrom(
      (text: string) => text,
      chunked,
      (text: string) => `fffffffffffffffff\r\n${text}`,
      (text: string) => `-1\r\n${text}`,
      (text: string) => `0\r\n\r\n${text}`,
      (text: string) => `5;${'x'.repeat(20_000)}\r\n${text}`,
      (text: string) => text.slice(0, text.length / 2),
      () => '',
    ),
    tail: fc.constantFrom('', smuggled, '\r\n\r\n', '\u0000', 'GARBAGE'),
  })
  .map(({ line, header, body, frame, tail }) => {
    const head = `${line}\r\nhost: a\r\ncontent-type: application/json\r\n${header(Buffer.byteLength(body))}`;
    return Buffer.from(`${head}\r\n\r\n${frame(body)}${tail}`, 'utf8');
  });
