import { TalebackError } from '@taleback/core';
import { describe, expect, test } from 'vitest';
import type { AudioEncoder } from '../audio/audio-encoder.ts';
import { type Pcm, samplesIn } from '../audio/pcm.ts';
import type { SpeechEngine } from '../engines/engine.ts';
import { narrateWith } from '../../test/support/narrate-with.ts';

const RATE = 1000;
const MS_PER_LETTER = 60;

const loud = (durationMs: number, sampleRateHz = RATE): Pcm => ({
  sampleRateHz,
  samples: new Int16Array(samplesIn(durationMs, sampleRateHz)).fill(3000),
});

/** Every letter takes 60 ms, with 100 ms of silence on both ends. */
const soundOf = (text: string): Pcm => {
  const { samples } = loud(text.length * MS_PER_LETTER);
  return {
    sampleRateHz: RATE,
    samples: Int16Array.from([...new Int16Array(100), ...samples, ...new Int16Array(100)]),
  };
};

const engineThat = (synthesizeChunk: SpeechEngine['synthesizeChunk'], concurrency = 2): SpeechEngine => ({
  name: 'staged',
  languages: ['en'],
  concurrency,
  voices: () => [{ id: 'v', name: 'V', languages: ['en'] }],
  prepareText: (text) => text,
  synthesizeChunk,
});

const speaking = engineThat(async ({ text }) => soundOf(text));

/** "Encodes" one byte per sample: 1 for sound, 0 for silence. */
const stagedEncoder = () => {
  const seen = { opened: [] as number[], written: 0, abandoned: 0 };
  const encoder: AudioEncoder = {
    open: async (sampleRateHz) => {
      seen.opened.push(sampleRateHz);
      const bytes: number[] = [];
      return {
        write: async (samples) => {
          seen.written += 1;
          for (const sample of samples) bytes.push(sample === 0 ? 0 : 1);
          return Uint8Array.from(samples, (sample) => (sample === 0 ? 0 : 1));
        },
        finish: async () => Uint8Array.from(bytes),
        abandon: () => {
          seen.abandoned += 1;
        },
      };
    },
    close: async () => {},
  };
  return { encoder, seen };
};

const FOUR = 'Aaaa one.\n\nBbbb two.\n\nCccc three.\n\nDddd four.';
const REQUEST = { text: FOUR, language: 'en' };

/** Runs of sound and silence, in milliseconds. */
const rhythm = (mp3: Uint8Array): number[] => {
  const runs: number[] = [];
  mp3.forEach((value, index) => {
    if (index === 0 || value !== mp3[index - 1]) runs.push(0);
    runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
  });
  return runs;
};

describe('narrate', () => {
  test('joins the pieces in order with their pauses, without their own silence', async () => {
    const { encoder, seen } = stagedEncoder();
    const narration = await narrateWith({ engine: speaking, encoder })(REQUEST);
    const spoken = [9, 9, 11, 10].map((letters) => letters * MS_PER_LETTER);
    const pause = 25 + 600 + 25;
    expect(rhythm(narration.bytes)).toEqual([
      25,
      spoken[0],
      pause,
      spoken[1],
      pause,
      spoken[2],
      pause,
      spoken[3],
      25,
    ]);
    expect(narration).toMatchObject({
      durationMs: narration.bytes.length,
      sampleRateHz: RATE,
      chunkCount: 4,
      voiceId: 'v',
      engine: 'staged',
    });
    expect(seen).toEqual({ opened: [RATE], written: 4, abandoned: 0 });
  });

  test('scales the pauses', async () => {
    const { encoder } = stagedEncoder();
    const { bytes: mp3 } = await narrateWith({ engine: speaking, encoder })({
      ...REQUEST,
      pauseScale: 0.5,
    });
    expect(rhythm(mp3)[2]).toBe(25 + 300 + 25);
  });

  test('tells the progress, forward only, and the first sound once', async () => {
    const { encoder } = stagedEncoder();
    const told: (number | string)[] = [];
    await narrateWith({ engine: speaking, encoder })(REQUEST, {
      onProgress: (fraction) => told.push(fraction),
      onFirstAudio: () => told.push('first'),
    });
    expect(told).toEqual(['first', 9 / 39, 18 / 39, 29 / 39, 1]);
  });

  test('asks for every piece with the voice, the speed, the language and the style', async () => {
    const chunks: unknown[] = [];
    const style = { exaggeration: 0.7 };
    const engine = engineThat(async (chunk) => {
      chunks.push(chunk);
      return soundOf(chunk.text);
    });
    await narrateWith({ engine, encoder: stagedEncoder().encoder })({ ...REQUEST, speed: 1.25, style });
    expect(chunks).toContainEqual({ text: 'Cccc three.', voiceId: 'v', speed: 1.25, language: 'en', style });
    expect(chunks).toHaveLength(4);
  });

  test('has no more pieces under way than its bound', async () => {
    let underway = 0;
    let most = 0;
    const engine = engineThat(async ({ text }) => {
      underway += 1;
      most = Math.max(most, underway);
      await Promise.resolve();
      underway -= 1;
      return soundOf(text);
    }, 1);
    const text = Array.from({ length: 30 }, (_, index) => `Piece number ${index}.`).join('\n\n');
    await narrateWith({ engine, encoder: stagedEncoder().encoder })({ text, language: 'en' });
    expect(most).toBe(4);
  });

  test('fails with the first error and aborts the other pieces', async () => {
    const failure = new TalebackError('worker_lost', 'Gone.');
    const aborted: string[] = [];
    const engine = engineThat(async ({ text }, options) => {
      if (text.startsWith('A')) return soundOf(text);
      if (text.startsWith('C')) throw failure;
      return new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => {
          aborted.push(text);
          reject(options.signal?.reason);
        });
      });
    });
    const { encoder, seen } = stagedEncoder();
    await expect(narrateWith({ engine, encoder })(REQUEST)).rejects.toBe(failure);
    expect(aborted).toEqual(['Bbbb two.', 'Dddd four.']);
    expect(seen.opened.length).toBe(seen.abandoned);
  });

  test.each([
    ['audio_missing', loud(0)],
    ['audio_silent', { sampleRateHz: RATE, samples: new Int16Array(600) }],
    ['audio_implausible', loud(60_000)],
  ])('refuses a piece as %s', async (code, pcm) => {
    const engine = engineThat(async ({ text }) => (text.startsWith('C') ? pcm : soundOf(text)));
    const ended = narrateWith({ engine, encoder: stagedEncoder().encoder })(REQUEST);
    await expect(ended).rejects.toMatchObject({ code });
  });

  test('refuses an engine that changes its rate', async () => {
    const engine = engineThat(async ({ text }) => (text.startsWith('C') ? loud(600, 2000) : soundOf(text)));
    const { encoder, seen } = stagedEncoder();
    await expect(narrateWith({ engine, encoder })(REQUEST)).rejects.toMatchObject({
      code: 'model_failed',
      details: '1000 Hz, then 2000 Hz',
    });
    expect(seen.abandoned).toBe(1);
  });

  test('speaks nothing when it is cancelled before or cannot be planned', async () => {
    const engine = engineThat(() => Promise.reject(new Error('spoken after all')));
    const narrate = narrateWith({ engine, encoder: stagedEncoder().encoder });
    await expect(narrate(REQUEST, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'job_cancelled',
    });
    await expect(narrate({ ...REQUEST, language: 'xx' })).rejects.toMatchObject({
      code: 'language_unsupported',
    });
  });

  test('stops when it is cancelled between pieces', async () => {
    const stop = new AbortController();
    const { encoder, seen } = stagedEncoder();
    const ended = narrateWith({ engine: speaking, encoder })(REQUEST, {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(ended).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(seen).toMatchObject({ written: 1, abandoned: 1 });
  });
});
