import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bare, hello, request, synthesize } from './requests.ts';
import { said, startChild, temporaryFolder } from './speech-child.ts';
import { readWav, toneOf } from './tone.ts';

/** Mulberry32: the same numbers from 0 to 1 for the same seed. */
const randomNumbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

interface Expected {
  readonly spoken: Map<string, string>;
  readonly refused: string[];
  readonly pings: string[];
  /** Answers of 1.0, in order: the text, or undefined for a refusal. */
  readonly bare: { readonly path: string; readonly text: string | undefined }[];
}

/** One stream of valid requests with garbage between them, and what must come back. */
const composeStream = (seed: number, folder: string, lineCount: number): [Buffer, Expected] => {
  const random = randomNumbers(seed);
  const upTo = (most: number): number => Math.floor(random() * most);
  const expected: Expected = { spoken: new Map(), refused: [], pings: [], bare: [] };
  const letters = (count: number): string =>
    Array.from({ length: count }, () => String.fromCharCode(97 + upTo(26))).join('');
  const spoken = (id: string, version: string): string => {
    const text = letters(1 + upTo(40));
    expected.spoken.set(id, text);
    return JSON.stringify(synthesize(text, id, {}, version));
  };
  const spokenBare = (index: number): string => {
    const text = letters(9);
    const path = join(folder, `${index}.wav`);
    expected.bare.push({ path, text });
    return JSON.stringify(bare(text, path));
  };
  const refused = (id: string): string => {
    const bad = [
      synthesize(upTo(99), id),
      synthesize('text', id, { speed: 'fast' }),
      synthesize('text', id, { voice: [] }),
      synthesize('a\ud800', id),
      request({ type: letters(3) }, id),
    ];
    expected.refused.push(id);
    return JSON.stringify(bad[upTo(bad.length)]);
  };
  const ping = (id: string): string => {
    expected.pings.push(id);
    return JSON.stringify(request({ type: 'ping' }, id, '2.0.0'));
  };
  const bytes = (count: number): Buffer => {
    const made = Buffer.from(Array.from({ length: count }, () => upTo(256)));
    // A first byte that begins no JSON, and no line end within.
    made.fill(0xfe, 0, 1);
    return Buffer.from(made.map((byte) => (byte === 0x0a ? 0x0b : byte)));
  };
  const garbage = (): string | Buffer => {
    const whole = JSON.stringify(synthesize(letters(20), 'garbage'));
    const kinds: (() => string | Buffer)[] = [
      () => bytes(1 + upTo(300)),
      () => whole.slice(0, 1 + upTo(whole.length - 1)),
      () => `${whole}${whole}`,
      () => whole.slice(1 + upTo(20)),
      () => '[{'.repeat(upTo(5000)),
      () => `{"a":${'9'.repeat(upTo(5000))}}`,
      () => '{"success":true,"output_path":"/tmp/x"}',
      () => JSON.stringify([letters(3), null, { type: 'synthesize' }]),
      () => '',
      () => `${JSON.stringify(request({ type: 'cancel', correlation_id: 'garbage' }))}\r`,
    ];
    return kinds[upTo(kinds.length)]?.() ?? '';
  };
  const parts: Buffer[] = [];
  for (let index = 0; index < lineCount; index += 1) {
    const kind = random();
    let line: string | Buffer;
    if (kind < 0.1) line = spoken(`raw-${index}`, '2.1.0');
    else if (kind < 0.13) line = spoken(`lines-${index}`, '2.0.0');
    else if (kind < 0.15) line = spokenBare(index);
    else if (kind < 0.19) line = refused(`bad-${index}`);
    else if (kind < 0.21) line = ping(`ping-${index}`);
    else if (kind < 0.2115) line = 'x'.repeat(2 ** 20 + 1 + upTo(2 ** 20));
    else line = garbage();
    parts.push(Buffer.from(line), Buffer.from('\n'));
  }
  return [Buffer.concat(parts), expected];
};

describe('garbage between requests', () => {
  test.each([1, 20_240_607])('every request is answered once, with its own sound (seed %i)', async (seed) => {
    const folder = join(temporaryFolder(), 'sounds');
    mkdirSync(folder);
    const [stream, expected] = composeStream(seed, folder, 4_000);
    const child = startChild();
    await child.send(hello());
    const random = randomNumbers(seed + 1);
    for (let at = 0; at < stream.length; ) {
      const size = 1 + Math.floor(random() ** 4 * 200_000);
      await child.write(stream.subarray(at, at + size));
      at += size;
    }
    await child.send(synthesize('the last', 'the last'));
    for (const [id, text] of expected.spoken) {
      const { message, raw } = await child.answer(id);
      const payload = message['payload'] as Record<string, string>;
      expect(raw ?? Buffer.from(payload['audio_base64'] ?? '', 'base64')).toEqual(toneOf(text));
    }
    for (const id of expected.refused) expect(await said(child.answer(id))).toHaveProperty('code');
    for (const id of expected.pings) expect(await said(child.answer(id))).toMatchObject({ type: 'pong' });
    for (const [nth, { path, text }] of expected.bare.entries()) {
      expect(await child.bare(nth)).toEqual({ success: true, output_path: path });
      expect(readWav(await readFile(path)).samples).toEqual(toneOf(text ?? ''));
    }
    await child.answer('the last');
    const { spoken, refused, pings } = expected;
    // And hello, ready, and the last.
    expect(child.frames).toHaveLength(spoken.size + refused.length + pings.length + expected.bare.length + 3);
    expect(spoken.size).toBeGreaterThan(400);
    child.endInput();
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(child.log()).not.toContain('Traceback');
  });
});
