import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@taleback/resilience';
import { SoundCache, withNarrationCache } from '@taleback/speech';
import { type BenchResult, percentile, seededRandom } from './measure.ts';

const CHARACTERS = 20_000;
/** About twenty minutes of speech at 64 kbit/s. */
const AUDIO_BYTES = 10_000_000;
const ROUNDS = 200;
const WARM_UP = 10;
const SEED = 20_251_213;
const GIBIBYTE = 2 ** 30;
const DAY_MS = 86_400_000;

const SENTENCE = 'The tide came in before the bells rang, and no one on the quay had seen it turn. ';
const STORY = {
  text: SENTENCE.repeat(Math.ceil(CHARACTERS / SENTENCE.length)).slice(0, CHARACTERS),
  language: 'en',
};

const tenths = (value: number): number => Math.round(value * 10) / 10;

const elapsed = async (run: () => Promise<unknown>): Promise<number> => {
  const since = performance.now();
  await run();
  return performance.now() - since;
};

/**
 * What an equal story costs when the cache has it, beside the floor: reading a file of that size and hashing it once, as
 * a reader that verifies it has to.
 */
export const run = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-cache-'));
  const random = seededRandom(SEED);
  const bytes = Uint8Array.from({ length: AUDIO_BYTES }, () => Math.floor(random() * 256));
  const plain = join(folder, 'plain');
  await writeFile(plain, bytes);
  const cache = new SoundCache({
    folder: join(folder, 'cache'),
    limits: { maxBytes: GIBIBYTE, maxAgeMs: DAY_MS },
    clock: systemClock,
    log: () => {},
  });
  await cache.open();
  let narrated = 0;
  const narrate = withNarrationCache(
    async () => {
      narrated += 1;
      return {
        bytes,
        durationMs: 1_250_000,
        sampleRateHz: 16_000,
        chunkCount: 100,
        voiceId: 'slt',
        engine: 'flite',
      };
    },
    cache,
    { engines: 'flite 1', encoder: 'mp3 64 kbit/s' },
  );
  try {
    await narrate(STORY);
    const hits: number[] = [];
    const floors: number[] = [];
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      const hitMs = await elapsed(async () => {
        const narrated = await narrate(STORY);
        if (narrated.bytes.length !== bytes.length) throw new Error('another story came out of the cache');
      });
      const floorMs = await elapsed(async () =>
        createHash('sha256')
          .update(await readFile(plain))
          .digest(),
      );
      if (round < WARM_UP) continue;
      hits.push(hitMs);
      floors.push(floorMs);
    }
    if (narrated !== 1) throw new Error(`the story was narrated ${narrated} times`);
    const ratio = percentile(hits, 0.5) / percentile(floors, 0.5);
    const p95 = percentile(hits, 0.95);
    return {
      name: 'cache',
      figures: {
        'hit p50 ms': tenths(percentile(hits, 0.5)),
        'hit p95 ms': tenths(p95),
        'hit p99 ms': tenths(percentile(hits, 0.99)),
        'read and hash p50 ms': tenths(percentile(floors, 0.5)),
        'read and hash p99 ms': tenths(percentile(floors, 0.99)),
        'hit / read and hash': tenths(ratio),
      },
      goals: { 'hit p95 ms': '< 50', 'hit / read and hash': '<= 3' },
      holds: p95 < 50 && ratio <= 3,
    };
  } finally {
    await cache.close();
    await rm(folder, { recursive: true, force: true });
  }
};
