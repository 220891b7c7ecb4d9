import { describe, expect, it } from 'vitest';
import { type Pcm, samplesIn } from '../audio/index.ts';
import type { SpeechRequest, WorkerPool } from '../pool/pool-index.ts';
import { createPoolLine } from './pool-line.ts';

const RATE_HZ = 16_000;
const SOUND: Pcm = {
  sampleRateHz: RATE_HZ,
  samples: Int16Array.from({ length: samplesIn(1_000, RATE_HZ) }, (_, index) => 5_000 * Math.sin(index / 12)),
};
const PROFILE = { bytes: new Uint8Array(4), hash: 'ab' };

const stage = (plugin: Parameters<typeof createPoolLine>[1] = {}) => {
  const asked: SpeechRequest[] = [];
  const pool = {
    speak: async (request: SpeechRequest) => {
      asked.push(request);
      return SOUND;
    },
  } as unknown as WorkerPool;
  return { line: createPoolLine(pool, plugin), asked };
};

describe('createPoolLine', () => {
  it('asks the pool for what the chunk says', async () => {
    const { line, asked } = stage();
    const chunk = { text: 'Hello.', voiceId: 'v', speed: 1.5, language: 'en' };
    expect(await line.speak(chunk, { priority: 'high' })).toBe(SOUND);
    expect(asked).toEqual([{ ...chunk, priority: 'high', engineOptions: undefined }]);
  });

  it('gives children a recording as a file, and the style in their words', async () => {
    const { line, asked } = stage({ keepProfile: async ({ hash }) => `/tmp/${hash}` });
    const style = { exaggeration: 0.7, cfgWeight: 0.4 };
    await line.speak({ text: 'Hello.', voiceId: 'mum', profile: PROFILE, style });
    expect(asked[0]?.engineOptions).toEqual({
      voice_profile_path: '/tmp/ab',
      exaggeration: 0.7,
      cfg_weight: 0.4,
    });
  });

  it('makes other speeds of the sound of an engine that has only one', async () => {
    const { line, asked } = stage({ hasOneSpeed: true });
    const { samples } = await line.speak({ text: 'Hello.', voiceId: 'v', speed: 2 });
    expect(asked[0]?.speed).toBeUndefined();
    expect(samples.length / SOUND.samples.length).toBeCloseTo(0.5, 1);
    expect(await line.speak({ text: 'Hello.', voiceId: 'v', speed: 1 })).toBe(SOUND);
  });
});
