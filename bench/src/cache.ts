import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@taleback/resilience';
import { SoundCache, withNarrationCache } from '@taleback/speech';
import { atMost, type BenchResult, below, elapsedMs, judged, percentile, seededRandom } from './measure.ts';

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
      const hitMs = await elapsedMs(async () => {
        const narrated = await narrate(STORY);
        if (narrated.bytes.length !== bytes.length) throw new Error('another story came out of the cache');
      });
      const floorMs = await elapsedMs(async () =>
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
    const figures = {
      'hit p50 ms': percentile(hits, 0.5),
      'hit p95 ms': percentile(hits, 0.95),
      'hit p99 ms': percentile(hits, 0.99),
      'read and hash p50 ms': percentile(floors, 0.5),
      'read and hash p99 ms': percentile(floors, 0.99),
      'hit / read and hash': ratio,
    };
    const goals = { 'hit p95 ms': below(50), 'hit / read and hash': atMost(3) };
    const { holds, ...result } = judged('cache', figures, goals);
    const shown = Object.entries(figures).map(([name, value]) => [name, tenths(value)]);
    return { ...result, figures: Object.fromEntries(shown), holds };
  } finally {
    await cache.close();
    await rm(folder, { recursive: true, force: true });
  }
};
