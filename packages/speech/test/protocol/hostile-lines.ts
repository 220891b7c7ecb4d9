import * as fc from 'fast-check';

/** Names that every object has without having been given them. */
const INHERITED = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
const DEEP = 3_000;

const nested = (open: string, close: string, middle: string): string =>
  `${open.repeat(DEEP)}${middle}${close.repeat(DEEP)}`;

const names = fc.constantFrom(...INHERITED, '', 'nobody', '\ud800', '\u0000', 'x'.repeat(300));
const kinds = fc.constantFrom('audio', 'error', 'pong', 'hello', 'ready', 'synthesise', ...INHERITED);
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(1e300, -0, 2 ** 53, null, true, [], {}, '\udfff', 'x'.repeat(3_000)),
);
const fields = fc.constantFrom(
  'encoding',
  'output_path',
  'audio_base64',
  'sample_rate',
  'code',
  'models',
  'version',
);

/** Messages whose ids are not pending. */
const messages = fc
  .record({
    version: fc.constantFrom('2.1.0', '2.0.0', '1.0.0', '9.9.9', 2.1, {}),
    type: fc.constantFrom('response', 'event', 'Request', null, 7),
    payload: fc.oneof(
      fc.tuple(kinds, fc.dictionary(fields, values)).map(([type, rest]) => ({ ...rest, type })),
      values,
    ),
    metadata: fc.oneof(
      names.map((correlationId) => ({ correlationId })),
      values,
    ),
  })
  .map((message) => JSON.stringify(message));

const curious = fc.constantFrom(
  '',
  '   ',
  '{',
  '[]',
  '[{"version":"2.1.0"}]',
  'null',
  '"text"',
  '1e999',
  '{"version":"2.1.0","type":"response","payload":{"type":"pong","rss_bytes":1e999},"metadata":{"correlationId":"x"}}',
  '{"__proto__":{"version":"2.1.0","success":true},"constructor":{"prototype":{"success":true}}}',
  '{"version":"2.1.0","type":"event","payload":{"__proto__":{"type":"failed"}}}',
  `{"version":"2.1.0","type":"event","payload":${nested('{"a":', '}', '1')}}`,
  nested('[', ']', ''),
  nested('{"a":', '', ''),
  `{"version":"2.0.0","byteLength":5,"timestamp":${'9'.repeat(400)}}`,
  '\u001b[31mred\u001b[0m 100%|####| 5/5',
);

/** A line that says nothing to either side, and is no request of 1.0. */
export const hostileLine: fc.Arbitrary<Buffer> = fc.oneof(
  messages.map((text) => Buffer.from(text)),
  curious.map((text) => Buffer.from(text)),
  fc
    .uint8Array({ maxLength: 40 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x0a ? 0xff : byte)))),
  // Bytes that are no UTF-8, within a message.
  fc.constant(
    Buffer.concat([
      Buffer.from('{"version":"2.1.0","type":"'),
      Buffer.of(0xff, 0xc0, 0x80),
      Buffer.from('"}'),
    ]),
  ),
);

/** What no reader can get over, or what never ends. */
export const hostileEnd: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .constantFrom(
      '{"version":"2.1.0","byteLength":-1}\n',
      '{"version":"2.1.0","byteLength":1e300}\n',
      '{"version":"2.1.0","byteLength":[]}\n',
      '{"version":"2.1.0","byteLength":4}\nabcde',
      'x'.repeat(2 ** 20 + 1),
    )
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom('{"version":"2.1.0","byteLength":9}\nabc', '{"version":"2.1.0","type":"resp')
    .map((text) => Buffer.from(text)),
  fc.constant(Buffer.alloc(0)),
);

/** Whether a reader must give up there. */
export const isFatal = (end: Buffer): boolean => /byteLength":(?!9)|^x/.test(end.toString());

/** The bytes in pieces, wherever the cuts fall. */
export const cutAt = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.map((place, index) => bytes.subarray(index === 0 ? 0 : places[index - 1], place));
};
