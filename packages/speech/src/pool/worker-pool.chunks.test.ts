import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { fakeChildren } from '../../test/support/fake-child.ts';
import { openFakePlugin } from '../../test/support/fake-plugin.ts';
import { type Pcm, samplesIn } from '../audio/pcm.ts';
import type { SpeechChunk, SynthesisOptions } from '../engines/engine.ts';
import { parseManagerConfig } from './pool-config.ts';
import type { SpeechRequest } from './speech-child.ts';
import type { HostedPlugin } from './speech-line.ts';
import { WorkerPool } from './worker-pool.ts';

const RATE_HZ = 16_000;
const SOUND: Pcm = {
  sampleRateHz: RATE_HZ,
  samples: Int16Array.from({ length: samplesIn(1_000, RATE_HZ) }, (_, index) => 5_000 * Math.sin(index / 12)),
};
const PROFILE = { bytes: new Uint8Array(4), hash: 'ab' };

/** A line of one ready worker that speaks everything at once. */
const openStaged = async (traits: Pick<HostedPlugin, 'keepProfile' | 'hasOneSpeed'> = {}) => {
  const clock = createFakeClock();
  const requests: SpeechRequest[] = [];
  const { open } = fakeChildren(clock);
  const plugin: HostedPlugin = {
    ...openFakePlugin(clock).plugin,
    ...traits,
    openChild: (workerId, events) => {
      const child = Object.assign(open(workerId, events), { answersAfterMs: 0, soundFor: () => SOUND });
      const speak = child.speak.bind(child);
      return Object.assign(child, {
        speak: (call: Parameters<typeof speak>[0]) => {
          requests.push(call.request);
          speak(call);
        },
      });
    },
  };
  const options = {
    config: parseManagerConfig(),
    clock,
    random: () => 0.5,
    log: () => {},
    publish: () => {},
  };
  const line = new WorkerPool(plugin, options);
  const started = line.start();
  await clock.advanceAsync(0);
  await started;
  const speak = async (chunk: SpeechChunk, speakOptions?: SynthesisOptions): Promise<Pcm> => {
    const spoken = line.speak(chunk, speakOptions);
    await clock.advanceAsync(1);
    return spoken;
  };
  return { speak, requests };
};

describe('the line of a hosted engine', () => {
  it('asks the pool for what the chunk says', async () => {
    const { speak, requests } = await openStaged();
    const chunk = { text: 'Hello.', voiceId: 'v', speed: 1.5, language: 'en' };
    expect(await speak(chunk, { priority: 'high' })).toBe(SOUND);
    expect(requests).toEqual([{ ...chunk, priority: 'high', engineOptions: undefined }]);
  });

  it('gives children a recording as a file, and the style in their words', async () => {
    const { speak, requests } = await openStaged({ keepProfile: async ({ hash }) => `/tmp/${hash}` });
    const style = { exaggeration: 0.7, cfgWeight: 0.4 };
    await speak({ text: 'Hello.', voiceId: 'mum', profile: PROFILE, style });
    expect(requests[0]?.engineOptions).toEqual({
      voice_profile_path: '/tmp/ab',
      exaggeration: 0.7,
      cfg_weight: 0.4,
    });
  });

  it('makes other speeds of the sound of an engine that has only one', async () => {
    const { speak, requests } = await openStaged({ hasOneSpeed: true });
    const { samples } = await speak({ text: 'Hello.', voiceId: 'v', speed: 2 });
    expect(requests[0]?.speed).toBeUndefined();
    expect(samples.length / SOUND.samples.length).toBeCloseTo(0.5, 1);
    expect(await speak({ text: 'Hello.', voiceId: 'v', speed: 1 })).toBe(SOUND);
  });
});
