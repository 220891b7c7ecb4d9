import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, systemClock } from '@taleback/resilience';
import { createWavEncoder } from '../../src/audio/audio-encoder.ts';
import { SoundCache } from '../../src/cache/sound-cache.ts';
import { withChunkCache } from '../../src/cache/with-cache.ts';
import type { SpeechEngine } from '../../src/engines/engine.ts';
import { narrateWith } from '../support/narrate-with.ts';

/**
 * A process that narrates `STORY`. It says what the engine speaks, and what is finished: given to the narration. `KILL_AT`
 * kills it when so many are finished; 0 never does.
 */
const { FOLDER = '', STORY = '', KILL_AT = '0' } = process.env;
const RATE_HZ = 8_000;
const MS_PER_CHARACTER = 60;

const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

/** Every text has a sound of its own. */
const voiceOf = (text: string): Int16Array<ArrayBuffer> => {
  const pitch = 20 + (Buffer.from(text).reduce((sum, byte) => sum + byte, 0) % 60);
  const length = (text.length * MS_PER_CHARACTER * RATE_HZ) / 1000;
  return Int16Array.from({ length }, (_, at) => ((at % pitch) / pitch - 0.5) * 16_000);
};

const engine: SpeechEngine = {
  name: 'tones',
  languages: ['en'],
  voices: () => [{ id: 'tone', name: 'Tone', languages: ['en'] }],
  prepareText: (text) => text,
  concurrency: 3,
  synthesizeChunk: async ({ text }) => {
    say({ kind: 'speaks', id: text });
    await wait(5);
    return { sampleRateHz: RATE_HZ, samples: voiceOf(text) };
  },
};
/** Without timers: on a machine that is busy enough, two seconds for a disk are too few. */
const clock: Clock = { now: () => systemClock.now(), setTimer: () => () => {} };
const cache = new SoundCache({
  folder: FOLDER,
  limits: { maxBytes: 2 ** 26, maxAgeMs: 3_600_000 },
  clock,
  log: (_, message) => say({ kind: 'warned', id: message }),
});
await cache.open();

const cached = withChunkCache(engine, cache, { engineVersion: '1' });
let finished = 0;
const watched: SpeechEngine = {
  ...cached,
  synthesizeChunk: async (chunk, options) => {
    const pcm = await cached.synthesizeChunk(chunk, options);
    say({ kind: 'finished', id: chunk.text });
    finished += 1;
    if (finished === Number(KILL_AT)) process.kill(process.pid, 'SIGKILL');
    return pcm;
  },
};
const narrate = narrateWith({ engine: watched, encoder: createWavEncoder() });
const { bytes, chunkCount } = await narrate({ text: STORY, language: 'en' });
say({ kind: 'chunks', id: String(chunkCount) });
say({ kind: 'narrated', id: createHash('sha256').update(bytes).digest('hex') });
await cache.close();
