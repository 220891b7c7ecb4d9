import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.ts';
import { cutAt } from '../../test/protocol/hostile-lines.ts';
import { MAX_LINE_BYTES, MAX_RAW_BYTES } from './protocol.ts';

type Heard =
  | readonly ['frame', unknown, readonly number[] | undefined]
  | readonly ['noise', string]
  | readonly ['broken', string];

const listen = (): { readonly reader: FrameReader; readonly heard: Heard[] } => {
  const heard: Heard[] = [];
  const reader = new FrameReader({
    onFrame: ({ message, raw }) => heard.push(['frame', message, raw === undefined ? undefined : [...raw]]),
    onNoise: (excerpt) => heard.push(['noise', excerpt]),
    onBroken: (reason) => heard.push(['broken', reason]),
  });
  return { reader, heard };
};

const read = (...chunks: (string | Uint8Array)[]): Heard[] => {
  const { reader, heard } = listen();
  for (const chunk of chunks) reader.push(Buffer.from(chunk as string));
  return heard;
};

const announcing = (byteLength: unknown): string => `${JSON.stringify({ version: '2.1.0', byteLength })}\n`;

interface Part {
  readonly bytes: Buffer;
  readonly heard: readonly Heard[];
}

const framePart = fc.dictionary(fc.string(), fc.jsonValue()).map((given): Part => {
  const { byteLength: _, ...fields } = given;
  const message: unknown = JSON.parse(JSON.stringify(fields));
  return { bytes: Buffer.from(`${JSON.stringify(fields)}\n`), heard: [['frame', message, undefined]] };
});
const rawPart = fc.tuple(fc.uint8Array({ maxLength: 60 }), fc.string()).map(([raw, note]): Part => {
  const message = { version: '2.1.0', note, byteLength: raw.length };
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(message)}\n`), raw, Buffer.from('\n')]);
  return { bytes, heard: [['frame', message, [...raw]]] };
});
/** Words that are no JSON, with room for whatever a terminal knows. */
const noisePart = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x0a ? 0x20 : byte))))
  .map((words): Part => {
    const line = Buffer.concat([Buffer.from('!'), words, Buffer.from('\n')]);
    return { bytes: line, heard: [['noise', line.toString('utf8', 0, 200).trim()]] };
  });
const emptyPart = fc
  .constantFrom('\n', ' \t\n', '\r\n')
  .map((text): Part => ({ bytes: Buffer.from(text), heard: [] }));

describe('FrameReader', () => {
  it('reads any frames, noise and raw bytes the same, wherever the stream is cut', () => {
    const parts = fc.array(fc.oneof(framePart, rawPart, noisePart, emptyPart), { maxLength: 12 });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(4_000), { maxLength: 40 }), (given, cuts) => {
        const bytes = Buffer.concat(given.map((part) => part.bytes));
        const expected = given.flatMap((part) => part.heard);
        expect(read(...cutAt(bytes, cuts))).toEqual(expected);
        expect(read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws and breaks at most once, whatever comes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom(
        '\n',
        '{',
        '{"version":"2.1.0","byteLength":',
        '3}\n',
        '-1}\n',
        '{}\n',
        'null\n',
        '[1]\n',
      ),
    );
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 30 }), (chunks) => {
        const heard = read(...chunks);
        expect(heard.slice(0, -1).filter(([kind]) => kind === 'broken')).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives raw bytes in a buffer of their own', () => {
    const chunk = Buffer.from(`${announcing(2)}ab\n`);
    let raw: Uint8Array | undefined;
    new FrameReader({
      onFrame: (frame) => {
        raw = frame.raw;
      },
      onNoise: () => {},
      onBroken: () => {},
    }).push(chunk);
    chunk.fill(0);
    expect(Buffer.from(raw ?? []).toString()).toBe('ab');
    expect(raw?.byteOffset).toBe(0);
  });

  it('takes a line of the greatest length, and none longer', () => {
    const longest = `{"a":"${'x'.repeat(MAX_LINE_BYTES - 8)}"}`;
    expect(longest).toHaveLength(MAX_LINE_BYTES);
    expect(read(`${longest}\n`)[0]?.[0]).toBe('frame');
    expect(read(longest.slice(0, 700_000), `${longest.slice(700_000)}\n`)[0]?.[0]).toBe('frame');
    expect(read(`${longest} \n{}\n`)).toEqual([['broken', `a line of more than ${MAX_LINE_BYTES} bytes`]]);
    expect(read(longest, ' ', '\n{}\n').map(([kind]) => kind)).toEqual(['broken']);
    expect(read('x'.repeat(MAX_LINE_BYTES + 1)).map(([kind]) => kind)).toEqual(['broken']);
  });

  it('counts every line for itself', () => {
    const line = `{"a":"${'x'.repeat(600_000)}"}\n`;
    expect(read(line, line, line.slice(0, 9), line.slice(9)).map(([kind]) => kind)).toEqual([
      'frame',
      'frame',
      'frame',
    ]);
  });

  it.each([-1, 0.5, MAX_RAW_BYTES + 1, 1e300, '4', true, [4], {}])(
    'breaks at a byteLength of %j',
    (byteLength) => {
      const broken = ['broken', `a byteLength that is no whole number from 0 to ${MAX_RAW_BYTES}`];
      expect(read(`${announcing(byteLength)}{}\n`, '{}\n')).toEqual([broken]);
    },
  );

  it('survives a byteLength too deep to be written down', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(read(`{"version":"2.1.0","byteLength":${deep}}\n`).map(([kind]) => kind)).toEqual(['broken']);
  });

  it.each([
    ['null', '{"version":"2.1.0","byteLength":null}'],
    ['none of 2.0', '{"version":"2.0.0","byteLength":3}'],
    ['none of a library', '{"version":"1.2.3","byteLength":3}'],
    ['none without version', '{"byteLength":3}'],
    ['none of a null version', '{"version":null,"byteLength":3}'],
  ])('expects no raw bytes after a byteLength that is %s', (_, line) => {
    expect(read(`${line}\n{}\n`).map(([kind]) => kind)).toEqual(['frame', 'frame']);
  });

  it('reads zero raw bytes, also when they come late', () => {
    const message = { version: '2.1.0', byteLength: 0 };
    for (const chunks of [[`${announcing(0)}\n{}\n`], [announcing(0), '\n', '{}\n']]) {
      expect(read(...chunks)).toEqual([
        ['frame', message, []],
        ['frame', {}, undefined],
      ]);
    }
  });

  it('breaks when no line end follows raw bytes, and hears nothing afterwards', () => {
    const broken = ['broken', 'raw bytes that do not end where they should'];
    expect(read(`${announcing(2)}abX{}\n`, '{}\n', `${announcing(1)}a\n`)).toEqual([broken]);
    expect(read(announcing(2), 'ab', '\r\n', '{}\n')).toEqual([broken]);
  });

  it('passes over a line that is cut by the end, and one with a line end of Windows', () => {
    expect(read('{"a":1}\r\n{"a":2}')).toEqual([['frame', { a: 1 }, undefined]]);
  });

  it('reads keys that every object has as fields like others', () => {
    const [heard] = read('{"__proto__":{"version":"2.1.0","byteLength":9},"constructor":1}\n');
    expect(Object.keys(heard?.[1] as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['version']).toBeUndefined();
  });
});
