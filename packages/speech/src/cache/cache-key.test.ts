import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpeechChunk, VoiceProfile } from '../engines/engine.ts';
import type { NarrationRequest } from '../chain/plan-narration.ts';
import { canonicalDigest, chunkKey, narrationKey } from './cache-key.ts';

/** Short, of few letters, so that equal and nearly equal lists come up often; half a surrogate pair among them. */
const words = fc.oneof(
  fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b', '\0', '1', '\uD800', '\uFFFD') }),
  fc.string({ unit: 'binary' }),
);
const rate = fc.constantFrom(undefined, 0.5, 1, 2, Number.NaN);
const profile: fc.Arbitrary<VoiceProfile> = fc.record({ hash: words, bytes: fc.constant(Uint8Array.of(1)) });
const style = fc.record({ exaggeration: rate, cfgWeight: rate, temperature: rate });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const chunks: fc.Arbitrary<SpeechChunk> = fc.record({
  text: words,
  voiceId: words,
  speed: rate,
  language: optional(words),
  profile: optional(profile),
  style: optional(style),
});
const requests: fc.Arbitrary<NarrationRequest> = fc.record({
  text: words,
  voiceId: optional(words),
  language: words,
  speed: rate,
  pauseScale: rate,
  profile: optional(profile),
  allowsOtherVoice: fc.constantFrom(undefined, false, true),
  style: optional(style),
});

/** The meaning of a request, as nested lists: what is unset and what is the default are the same. */
const rest = ({ speed, profile, style }: SpeechChunk | NarrationRequest): unknown => [
  speed ?? 1,
  profile?.hash,
  style?.exaggeration,
  style?.cfgWeight,
  style?.temperature,
];
const chunkMeaning = (chunk: SpeechChunk): unknown => [
  chunk.text,
  chunk.voiceId,
  chunk.language,
  rest(chunk),
];
const narrationMeaning = (request: NarrationRequest): unknown => [
  request.text,
  request.voiceId,
  request.language,
  request.pauseScale ?? 1,
  request.allowsOtherVoice === true,
  rest(request),
];

const same = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((item, index) => same(item, b[index]))
    : Object.is(a, b);

const ENGINE = { engine: 'flite', engineVersion: '1' };
const PARTS = { engines: 'flite 1', encoder: 'mp3 48' };

describe('keys', () => {
  it('are the same for two chunks exactly when the chunks mean the same', () => {
    fc.assert(
      fc.property(chunks, fc.option(chunks), fc.constantFrom('1', '2'), (a, other, engineVersion) => {
        const b = other ?? { ...a };
        const isSame = same(chunkMeaning(a), chunkMeaning(b)) && engineVersion === '1';
        expect(chunkKey(a, ENGINE).name === chunkKey(b, { ...ENGINE, engineVersion }).name).toBe(isSame);
      }),
    );
  });

  it('are the same for two narrations exactly when the requests mean the same', () => {
    fc.assert(
      fc.property(requests, fc.option(requests), fc.constantFrom('mp3 48', 'mp3 64'), (a, other, encoder) => {
        const b = other ?? { ...a };
        const isSame = same(narrationMeaning(a), narrationMeaning(b)) && encoder === PARTS.encoder;
        expect(narrationKey(a, PARTS).name === narrationKey(b, { ...PARTS, encoder }).name).toBe(isSame);
      }),
    );
  });

  it('differ when one field moves into its neighbour, for every field', () => {
    const fields = fc.array(fc.oneof(words, fc.constant(undefined), fc.double(), fc.boolean()), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        expect(canonicalDigest(a) === canonicalDigest(b)).toBe(same(a, b));
      }),
    );
    expect(canonicalDigest(['ab', ''])).not.toBe(canonicalDigest(['a', 'b']));
    expect(canonicalDigest([])).not.toBe(canonicalDigest([undefined]));
  });

  it('of a chunk and a narration are never the same, and reveal nothing of the words', () => {
    const text = 'Once upon a time';
    const chunk = chunkKey({ text, voiceId: 'slt', language: 'en' }, ENGINE);
    const narration = narrationKey({ text, voiceId: 'slt', language: 'en' }, PARTS);
    expect(chunk.name).not.toBe(narration.name);
    expect([chunk.kind, narration.kind]).toEqual(['chunk', 'narration']);
    for (const { name } of [chunk, narration]) expect(name).toMatch(/^[0-9a-f]{64}$/);
  });

  it('stay what they are: another key would forget all that is kept', () => {
    expect(chunkKey({ text: 'a', voiceId: 'slt', language: 'en' }, ENGINE).name).toMatchInlineSnapshot(
      `"2a566dcdc1f23a81a70076e8fa68aa21bda8cc9ae11b1299985b9d2c2b9f7ebd"`,
    );
    expect(narrationKey({ text: 'a', language: 'en' }, PARTS).name).toMatchInlineSnapshot(
      `"2ded1bab81e45f0bbe24eeb47b3cb02135cd9b05677225ccc9177df727dae311"`,
    );
  });
});
