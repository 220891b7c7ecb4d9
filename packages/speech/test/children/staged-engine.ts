import { writeSync } from 'node:fs';
import { TalebackError } from '@taleback/core';
import type { Pcm } from '../../src/audio/pcm.ts';
import type { SpeechEngine } from '../../src/engines/engine.ts';

const RATE_HZ = 16_000;

/**
 * Sound that only this text has: a tone, and its letters as the first samples. Nobody listens to it; it is for telling
 * whose answer came.
 */
export const soundOf = (text: string): Pcm => {
  const bytes = /\bbytes:(\d+)/.exec(text)?.[1];
  const samples = new Int16Array(bytes === undefined ? RATE_HZ / 10 : Number(bytes) / 2);
  for (let index = 0; index < samples.length; index += 1) samples[index] = index % 50 < 25 ? 8_000 : -8_000;
  for (let index = 0; index < Math.min(text.length, 200); index += 1)
    samples[index] = text.charCodeAt(index) % 32_000;
  return { sampleRateHz: RATE_HZ, samples };
};

const wait = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new TalebackError('job_cancelled', 'cancelled'));
    });
  });

const leaked: Uint8Array[] = [];

/**
 * An engine for the pool's tests. A text may carry orders: `wait:MS`, `fail:CODE`, `die` (the process ends),
 * `print` (writes to standard output), `write:TEXT` (writes to it past everything that keeps it clean), `break`
 * (as `write`, after which nothing can be read), `bytes:N` (as much sound), `leak:MIB`. What is left is "spoken".
 */
export const createStagedEngine = (): SpeechEngine => ({
  name: 'staged',
  languages: ['en'],
  concurrency: 1,
  voices: () => [{ id: 'v', name: 'V', languages: ['en'] }],
  prepareText: (text) => text,
  synthesizeChunk: async ({ text }, options) => {
    for (const order of text.split(' ')) {
      const [name, value = ''] = order.split(':');
      if (name === 'wait') await wait(Number(value), options?.signal);
      else if (name === 'fail') throw new TalebackError(value as 'model_failed', `staged ${value}`);
      else if (name === 'die') process.kill(process.pid, 'SIGKILL');
      else if (name === 'print') process.stdout.write('{"version":"2.1.0"} a library says hello\n');
      else if (name === 'write') writeSync(1, `${value}\n`);
      else if (name === 'break') writeSync(1, '{"version":"2.1.0","byteLength":-1}\n');
      else if (name === 'leak') leaked.push(new Uint8Array(Number(value) * 2 ** 20).fill(1));
    }
    return soundOf(text);
  },
});
