import { parseHeartbeat } from '@taleback/core';
import { expect, it } from 'vitest';
import { encodeHeartbeat } from './heartbeats.ts';

const voices = (count: number, characters: number) =>
  Array.from({ length: count }, (_, index) => ({
    id: `v${index}`,
    name: 'n'.repeat(characters),
    languages: ['en'],
  }));

const sent = (engines: readonly { readonly name: string; readonly voices: ReturnType<typeof voices> }[]) => {
  const snapshots = engines.map((one) => ({ ...one, state: 'ready' as const, languages: ['en'] }));
  const body = encodeHeartbeat('w', { engines: snapshots }, 0);
  const parsed = parseHeartbeat(JSON.parse(Buffer.from(body).toString()));
  if (!parsed.ok) throw new Error(parsed.sentence);
  return { bytes: body.byteLength, counts: parsed.value.engines.map((one) => one.voices.length) };
};

it('contains at most 500 voices of at most 20 engines', () => {
  const one = { name: 'a', voices: voices(480, 5) };
  expect(sent([one, { name: 'b', voices: voices(30, 5) }]).counts).toEqual([480, 20]);
  const many = Array.from({ length: 22 }, (_, index) => ({ name: `e${index}`, voices: [] }));
  expect(sent(many).counts).toHaveLength(20);
});

it('contains fewer voices when they are so long that the receiver would not take them all', () => {
  const { bytes, counts } = sent([{ name: 'a', voices: voices(500, 900) }]);
  expect(bytes).toBeLessThan(262_144);
  expect(counts).toEqual([250]);
});
