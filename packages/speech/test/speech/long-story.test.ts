import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createMp3ThreadEncoder } from '../../src/audio/mp3-encoder.node.ts';
import { durationMsOf, type Pcm, samplesIn } from '../../src/audio/pcm.ts';
import { decodeMp3 } from '../../src/audio/mp3-decoder.ts';
import type { RemoteEngine } from '../../src/engines/engine.ts';
import { TtsManager } from '../../src/chain/tts-manager.ts';
import { openEmbedded } from './open-embedded.ts';

const isAll = process.env['TEST_SIZE'] === 'all';
const RATE_HZ = 16_000;
const MS_PER_LETTER = 40;
const PARTS = 100;
const PART_LETTERS = 200;
const CONCURRENCY = 4;
/** Of createNarrate: pieces ahead for each that are spoken at once, and one. */
const MOST_AHEAD = CONCURRENCY * 3 + 1;

/** 20,000 characters; every part says its own number and fills a piece of its own. */
const partOf = (number: number): string =>
  `Part ${number} ${'tells of the tide '.repeat(20)}`.slice(0, PART_LETTERS - 2).trim();
const LONG = Array.from({ length: PARTS }, (_, number) => `${partOf(number)}.`).join('\n\n');

/** Each part has a tone of its own, well apart from the next. */
const pitchOf = (number: number): number => 400 + number * 30;

const toneOf = (text: string): Pcm => {
  const step = (2 * Math.PI * pitchOf(Number(/\d+/.exec(text)?.[0]))) / RATE_HZ;
  const length = samplesIn(text.length * MS_PER_LETTER, RATE_HZ);
  return {
    sampleRateHz: RATE_HZ,
    samples: Int16Array.from({ length }, (_, index) => 9_000 * Math.sin(index * step)),
  };
};

/** What is held is told apart from what was not collected yet. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The buffers of one collection are freed beside the program, and only the next collection waits for that. */
const heldBytes = (): number => {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
};

const DAY_MS = 86_400_000;

/** Answers when it is this piece's turn in a shuffled order, so that pieces come back out of order. */
const openToneEngine = () => {
  const state = { started: 0, most: 0, encoded: 0 };
  const engine: RemoteEngine = {
    name: 'tones',
    languages: ['en'],
    voices: () => [{ id: 'tone', name: 'Tone', languages: ['en'] }],
    prepareText: (text) => text,
    concurrency: CONCURRENCY,
    policy: {
      name: 'tones',
      timeoutMs: DAY_MS,
      bulkhead: { maxConcurrent: CONCURRENCY, maxQueued: 1_000 },
      breaker: { strategy: { kind: 'consecutive', failures: 5 }, cooldownMs: 1_000 },
    },
    endpoint: 'http://127.0.0.1:1',
    probe: async () => ({ details: '', latencyMs: 0 }),
    synthesizeChunk: async ({ text }) => {
      state.started += 1;
      state.most = Math.max(state.most, state.started - state.encoded);
      for (let turns = (state.started * 7) % 5; turns > 0; turns -= 1) await new Promise(setImmediate);
      return toneOf(text);
    },
  };
  return { engine, state };
};

/** How strong a pitch is in the sound. @see Goertzel, "An algorithm for the evaluation of finite trigonometric series" */
const strengthOf = (samples: Int16Array, pitchHz: number): number => {
  const coefficient = 2 * Math.cos((2 * Math.PI * pitchHz) / RATE_HZ);
  let [before, last] = [0, 0];
  for (const sample of samples) [before, last] = [last, sample + coefficient * last - before];
  return last ** 2 + before ** 2 - coefficient * last * before;
};

const loudestPart = (samples: Int16Array): number => {
  const strengths = Array.from({ length: PARTS }, (_, number) => strengthOf(samples, pitchOf(number)));
  return strengths.indexOf(Math.max(...strengths));
};

describe('a story of 20,000 characters', () => {
  test('is narrated with its parts in order, and with few of them in memory', async () => {
    const encoder = createMp3ThreadEncoder();
    const { engine, state } = openToneEngine();
    const manager = new TtsManager({}, { engines: [engine], log: () => {} });
    await manager.initialize();
    const startBytes = heldBytes();
    let mostBytes = 0;
    const arrived: number[] = [];
    const narration = await manager.narrator(encoder)(
      { text: LONG, language: 'en' },
      {
        onProgress: () => {
          state.encoded += 1;
          // Collecting garbage costs more than speaking.
          if (state.encoded % 10 !== 5) return;
          mostBytes = Math.max(mostBytes, heldBytes() - startBytes);
        },
        onEncoded: (_bytes, offset) => arrived.push(offset),
      },
    );
    expect(LONG.length).toBeGreaterThan(19_000);
    expect(narration.chunkCount).toBe(PARTS);
    // The first of it can be heard when hardly anything else is made.
    expect([arrived[0], arrived.length > PARTS / 2]).toEqual([0, true]);
    expect(state.most).toBeLessThanOrEqual(MOST_AHEAD + 1);
    // All of its sound at once would be 26 MB; what lies ahead is under 4, the finished file 6.
    const allBytes = PARTS * samplesIn(PART_LETTERS * MS_PER_LETTER, RATE_HZ) * 2;
    expect(mostBytes).toBeLessThan(allBytes / 2);

    const { samples, sampleRateHz } = await decodeMp3(narration.bytes);
    expect(Math.abs(durationMsOf(samples.length, sampleRateHz) - narration.durationMs)).toBeLessThan(200);
    const perPart = samples.length / PARTS;
    const heard = Array.from({ length: PARTS }, (_, number) => {
      const middle = Math.floor((number + 0.5) * perPart);
      return loudestPart(samples.subarray(middle, middle + RATE_HZ / 4));
    });
    expect(heard).toEqual(Array.from({ length: PARTS }, (_, number) => number));
    await manager.shutdown();
    await encoder.close();
  });

  test('is narrated by the embedded engine', async () => {
    const parts = isAll ? PARTS : PARTS / 4;
    const text = LONG.split('\n\n').slice(0, parts).join('\n\n');
    const embedded = await openEmbedded();
    try {
      const narration = await embedded.narrate({ text, language: 'en', voiceId: 'kal16' });
      expect(narration).toMatchObject({ engine: 'flite', voiceId: 'kal16', chunkCount: parts });
      expect(narration.durationMs).toBeGreaterThan(text.length * MS_PER_LETTER);
      const { samples, sampleRateHz } = await decodeMp3(narration.bytes);
      expect(Math.abs(durationMsOf(samples.length, sampleRateHz) - narration.durationMs)).toBeLessThan(200);
    } finally {
      await embedded.close();
    }
  });
});
