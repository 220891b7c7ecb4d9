import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bare, request, synthesize } from './requests.ts';
import { said, startChild, temporaryFolder } from './speech-child.ts';
import { toneOf } from './tone.ts';

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const line = (value: unknown): string => JSON.stringify(value);
const LIMIT = 2 ** 20;

/** None of these is answered: they are no requests, or have no address. */
const NOISE: Readonly<Record<string, string | Buffer>> = {
  'an empty line': '',
  'white space': ' \t\r',
  'no JSON': 'hello?',
  'half of JSON': line(synthesize('text', 'half')).slice(0, -9),
  'a number': '5',
  null: 'null',
  'a list': '[{"type":"synthesize"}]',
  'an empty object': '{}',
  'an object of no kind': '{"type":null,"text":"hi"}',
  'deep nesting': nested(100_000),
  'deep nesting in a request': `{"version":"2.1.0","payload":${nested(100_000)}}`,
  'no UTF-8': Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
  NUL: '\0\0\0',
  'a byte order mark': `\ufeff${line(synthesize('text', 'marked'))}`,
  'a huge whole number': '9'.repeat(500_000),
  'a request without an id': line({ ...synthesize('text', 'x'), metadata: null }),
  'a request with a number for its id': line(request({ type: 'ping' }, 5)),
  'a request with an empty id': line(request({ type: 'ping' }, '')),
  'a request with an endless id': line(request({ type: 'ping' }, 'x'.repeat(900_000))),
  'a request with metadata of another kind': line({ ...request({ type: 'ping' }), metadata: 'control' }),
  'a response': line({ ...request({ type: 'audio' }, 'echo'), type: 'response' }),
  'an event': line({ ...request({ type: 'ready' }, 'echo'), type: 'event' }),
  'a cancel of nothing': line(request({ type: 'cancel', correlation_id: 'nothing' })),
};

/** Each of these is answered `request_invalid`, once. */
const INVALID: Readonly<Record<string, string>> = {
  'a version that is a number': line({ ...synthesize('text', 'bad'), version: 2.1 }),
  'a version that is a word': line(synthesize('text', 'bad', {}, 'newest')),
  '1.0 in an envelope': line(synthesize('text', 'bad', {}, '1.0.0')),
  'no type': line({ ...synthesize('text', 'bad'), type: null }),
  'a type of another kind': line({ ...synthesize('text', 'bad'), type: ['request'] }),
  'no payload': line(request(null, 'bad')),
  'a payload that is a list': line(request([1], 'bad')),
  'a payload without a type': line(request({ text: 'hi' }, 'bad')),
  'an unknown request': line(request({ type: 'sing' }, 'bad')),
  'a request of a strange name': line(request({ type: '\ud800'.repeat(50_000) }, 'bad')),
  'a request whose name is an object': line(request({ type: {} }, 'bad')),
  'versions that are no list': line(request({ type: 'hello', versions: '2.1.0' }, 'bad')),
  'versions of nothing known': line(request({ type: 'hello', versions: [null, {}, 2] }, 'bad')),
  'a cancel without a target': line(request({ type: 'cancel' }, 'bad')),
  'a cancel with a number for its target': line(request({ type: 'cancel', correlation_id: 7 }, 'bad')),
  'no text': line(synthesize(null, 'bad')),
  'text that is a number': line(synthesize(5, 'bad')),
  'no voice': line(synthesize('text', 'bad', { voice: null })),
  'an empty voice': line(synthesize('text', 'bad', { voice: '' })),
  'a voice with half a character': line(synthesize('text', 'bad', { voice: 'a\ud800' })),
  'a voice with a NUL': line(synthesize('text', 'bad', { voice: 'a\0b' })),
  'a language that is a list': line(synthesize('text', 'bad', { language: ['en'] })),
  'options that are a text': line(synthesize('text', 'bad', { options: 'none' })),
  'a speed that is a text': line(synthesize('text', 'bad', { speed: '1' })),
  'a speed that is a yes': line(synthesize('text', 'bad', { speed: true })),
  'a speed out of bounds': line(synthesize('text', 'bad', { speed: 2.01 })),
  'a negative speed': line(synthesize('text', 'bad', { speed: -1 })),
  'a speed beyond all numbers': line(synthesize('text', 'bad')).replace('"voice"', '"speed":1e999,"voice"'),
  'a speed of half a million digits': line(synthesize('text', 'bad')).replace(
    '"voice"',
    `"speed":${'9'.repeat(500_000)},"voice"`,
  ),
  NaN: line(synthesize('text', 'bad')).replace('"voice"', '"speed":NaN,"voice"'),
  Infinity: line(synthesize('text', 'bad')).replace('"retryCount":0', '"retryCount":-Infinity'),
  'an output_path of another kind': line(synthesize('text', 'bad', { output_path: 5 }, '2.0.0')),
  'an output_path in no folder': line(synthesize('text', 'bad', { output_path: '/no/such/a.wav' }, '2.0.0')),
  'an output_path that is a folder': line(synthesize('text', 'bad', { output_path: tmpdir() }, '2.0.0')),
  'an output_path of endless length': line(
    synthesize('text', 'bad', { output_path: `/tmp/${'x'.repeat(3000)}` }, '2.0.0'),
  ),
};

/** Texts, as they stand in JSON, and what each is answered. */
const UNSPEAKABLE: Readonly<Record<string, string>> = {
  'a\\ud800b': 'text_encoding_invalid',
  '\\udc00\\ud800': 'text_encoding_invalid',
  '': 'text_not_speakable',
  ' \\n\\t\\u00a0\\u2003': 'text_not_speakable',
  '\\u0000\\u0001\\u200b': 'text_not_speakable',
};

describe('lines that cannot be read', () => {
  test('noise is skipped, and says nothing of what stood in it', async () => {
    const child = startChild();
    for (const noise of Object.values(NOISE)) {
      await child.write(Buffer.concat([Buffer.from(noise), Buffer.from('\n')]));
    }
    await child.send(synthesize('after', 'after'));
    expect((await child.answer('after')).raw).toEqual(toneOf('after'));
    expect(child.frames.filter(({ message }) => message['type'] === 'response')).toHaveLength(1);
    child.endInput();
    await child.ended;
    expect(child.log()).toContain('is no JSON object');
    expect(child.log()).not.toContain('hello?');
    expect(child.log()).not.toContain('Traceback');
  });

  test('a request that makes no sense is answered request_invalid, once', async () => {
    const child = startChild();
    const names = Object.keys(INVALID);
    for (const [nth, name] of names.entries()) {
      await child.write(`${INVALID[name]}\n`);
      const { type, code } = await said(child.answer('bad', nth));
      expect([name, type, code]).toEqual([name, 'error', 'request_invalid']);
    }
    await child.send(synthesize('after', 'after'));
    expect((await child.answer('after')).raw).toEqual(toneOf('after'));
    expect(child.frames.filter(({ message }) => message['type'] === 'response')).toHaveLength(
      names.length + 1,
    );
  });

  test('text without a character that can be spoken', async () => {
    const child = startChild();
    for (const [index, [text, code]] of Object.entries(UNSPEAKABLE).entries()) {
      await child.write(`${line(synthesize('@', 'bad')).replace('"@"', `"${text}"`)}\n`);
      expect([text, (await said(child.answer('bad', index)))['code']]).toEqual([text, code]);
    }
  });

  test('text whose bytes are no UTF-8 is refused to its sender', async () => {
    const child = startChild();
    const [before, after] = line(synthesize('@', 'bad')).split('@') as [string, string];
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80]]) {
      await child.write(Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(`${after}\n`)]));
    }
    for (const nth of [0, 1, 2]) {
      expect(await said(child.answer('bad', nth))).toMatchObject({ code: 'text_encoding_invalid' });
    }
  });

  test('a whole character beyond the first plane is text like any other', async () => {
    const child = startChild();
    await child.send(synthesize('\u{1f600} é 日本', 'req-1'));
    expect((await child.answer('req-1')).raw).toEqual(toneOf('\u{1f600} é 日本'));
  });

  test('an id of half a character comes back as it was', async () => {
    const child = startChild();
    await child.send(synthesize('text', 'a\ud800'));
    expect((await child.answer('a\ud800')).raw).toEqual(toneOf('text'));
  });

  test('1.0: whatever has a type is answered, in order, and nothing else is', async () => {
    const child = startChild();
    const path = join(temporaryFolder(), 'sound.wav');
    for (const bad of [
      { type: 'ping' },
      { type: 5 },
      bare('text', null),
      bare(null, path),
      bare('text', path, { speed: 9 }),
    ]) {
      await child.write('{"text":"noise"}\n');
      await child.send(bad);
    }
    for (const nth of [0, 1, 2, 3, 4]) {
      expect(await child.bare(nth)).toMatchObject({ success: false, code: 'request_invalid' });
    }
    await child.send(bare('text', path));
    expect(await child.bare(5)).toEqual({ success: true, output_path: path });
  });
});

/** A request whose line has this many bytes. */
const padded = (id: string, size: number): string => {
  const text = line(synthesize('text', id, { options: { pad: '' } }));
  return `${text.replace('"pad":""', `"pad":"${'x'.repeat(size - text.length)}"`)}\n`;
};

describe('long lines', () => {
  test('one of a mebibyte is read, one of a byte more is skipped', async () => {
    const child = startChild();
    await child.write(padded('longest', LIMIT) + padded('longer', LIMIT + 1));
    await child.send(synthesize('after', 'after'));
    expect((await child.answer('longest')).raw).toEqual(toneOf('text'));
    expect((await child.answer('after')).raw).toEqual(toneOf('after'));
    await child.logged(`a line of ${LIMIT + 1} bytes was skipped`);
    expect(child.frames.filter(({ message }) => message['type'] === 'response')).toHaveLength(2);
  });

  test('one of 256 MiB is not held in memory', async () => {
    const child = startChild();
    const rss = async (id: string): Promise<number> => {
      await child.send(request({ type: 'ping' }, id));
      return (await said(child.answer(id)))['rss_bytes'] as number;
    };
    const before = await rss('before');
    const piece = Buffer.alloc(LIMIT, 'x');
    for (let count = 0; count < 256; count += 1) await child.write(piece);
    await child.write('\n');
    expect((await rss('after')) - before).toBeLessThan(8 * LIMIT);
    await child.logged(`a line of ${256 * LIMIT} bytes was skipped`);
  });

  test('what has no line end is no line', async () => {
    const child = startChild();
    await child.write(line(synthesize('text', 'cut off')));
    child.endInput();
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(child.frames.filter(({ message }) => message['type'] === 'response')).toHaveLength(0);
  });
});
