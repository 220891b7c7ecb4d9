import { availableParallelism } from 'node:os';
import { createMp3ThreadEncoder, splitText, TtsManager } from '@taleback/speech';
import { compileFlite, createFliteEngine } from '@taleback/speech/child';
import { atMost, type BenchResult, judged, median, pairedRatio, rounded, seededRandom } from './measure.ts';
import { differentSentences } from './open-loop.ts';

const SHORT = 1_500;
const LONG = 20_000;
const SENTENCE = 75;
const ROUNDS = 5;
const COLD_ROUNDS = 3;
/** The engine alone speaks this part of the long story: it costs the same everywhere. */
const LONG_PART = 4;
/** Every voice takes at least this long for a character. */
const LEAST_MS_PER_CHARACTER = 30;
const VOICE = 'slt';
const cores = availableParallelism();

const storyOf = (characters: number, seed: number): string =>
  differentSentences(characters / SENTENCE, SENTENCE - 1, seededRandom(seed)).join(' ');

/** The narrator as the worker starts it: one speech process, and more when they are needed. */
const openNarrator = async () => {
  const workerPool = { minWorkers: 1, maxWorkers: Math.min(cores, 5) };
  const manager = new TtsManager({ workerPool }, { log: () => {} });
  const encoder = createMp3ThreadEncoder();
  const narrate = manager.narrator(encoder);
  await manager.initialize();
  return {
    /** @returns the time to the whole MP3 and to its first bytes */
    narrate: async (text: string) => {
      const since = performance.now();
      let firstMs: number | undefined;
      const onEncoded = (): void => void (firstMs ??= performance.now() - since);
      const { durationMs } = await narrate({ text, language: 'en', voiceId: VOICE }, { onEncoded });
      if (durationMs < text.length * LEAST_MS_PER_CHARACTER) throw new Error(`${durationMs} ms of sound`);
      return { allMs: performance.now() - since, firstMs: firstMs ?? Number.NaN };
    },
    close: async (): Promise<void> => {
      await manager.shutdown();
      await encoder.close();
    },
  };
};

/** Until the first bytes of the first story after the start. */
const measureCold = async (): Promise<number> => {
  const narrator = await openNarrator();
  try {
    return (await narrator.narrate(storyOf(SHORT, 0))).firstMs;
  } finally {
    await narrator.close();
  }
};

/** Whole stories as MP3, beside the engine alone with all cores to itself: its time on one core, divided among all. */
export const run = async (): Promise<BenchResult> => {
  const engine = createFliteEngine(await compileFlite());
  const aloneMs = async (text: string): Promise<number> => {
    const since = performance.now();
    for (const piece of splitText(text)) await engine.synthesizeChunk({ text: piece.text, voiceId: VOICE });
    return (performance.now() - since) / cores;
  };
  const coldMs: number[] = [];
  for (let round = 0; round < COLD_ROUNDS; round += 1) coldMs.push(await measureCold());
  const narrator = await openNarrator();
  try {
    for (const seed of [1, 2]) await narrator.narrate(storyOf(SHORT, seed));
    await aloneMs(storyOf(SHORT, 1));
    const [all, first, alone]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const text = storyOf(SHORT, 10 + round);
      const { allMs, firstMs } = await narrator.narrate(text);
      all.push(allMs);
      first.push(firstMs);
      alone.push(await aloneMs(text));
    }
    const long = storyOf(LONG, 3);
    const { allMs: longMs } = await narrator.narrate(long);
    const longAloneMs = (await aloneMs(storyOf(LONG / LONG_PART, 3))) * LONG_PART;
    const figures = {
      '1,500 characters, ms': median(all),
      '1,500 characters, x engine alone': pairedRatio(all, alone),
      '20,000 characters, ms': rounded(longMs),
      '20,000 characters, x engine alone': rounded(longMs / longAloneMs),
      'first MP3 bytes, ms': median(first),
      'first MP3 bytes of the first story, ms': median(coldMs),
    };
    return judged('story', figures, {
      '1,500 characters, x engine alone': atMost(1.2),
      '20,000 characters, x engine alone': atMost(1.2),
      'first MP3 bytes, ms': atMost(300),
      'first MP3 bytes of the first story, ms': atMost(600),
    });
  } finally {
    await narrator.close();
  }
};
