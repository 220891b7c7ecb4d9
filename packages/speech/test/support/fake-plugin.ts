import type { Clock } from '@taleback/resilience';
import { type Pcm, samplesIn } from '../../src/audio/pcm.ts';
import type { HostedPlugin } from '../../src/pool/speech-line.ts';
import { type FakeChild, fakeChildren, type Opening } from './fake-child.ts';

const RATE_HZ = 1_000;
const MS_PER_LETTER = 60;

/** As loud and as long as speech is. */
const speechOf = (text: string): Pcm => ({
  sampleRateHz: RATE_HZ,
  samples: new Int16Array(samplesIn(text.length * MS_PER_LETTER, RATE_HZ)).fill(3_000),
});

export interface FakePluginOptions {
  readonly opening?: (count: number) => Opening;
  /** Default: at the end of the same turn. */
  readonly answersAfterMs?: number;
}

/** An engine for tests, with two voices that are models of their own. */
export const openFakePlugin = (
  clock: Clock,
  { opening, answersAfterMs = 0 }: FakePluginOptions = {},
): { readonly plugin: HostedPlugin; readonly children: FakeChild[] } => {
  const { children, open } = fakeChildren(clock, opening);
  const plugin: HostedPlugin = {
    name: 'staged',
    languages: ['en'],
    voices: () => [
      { id: 'jenny', name: 'Jenny', languages: ['en-US'] },
      { id: 'alan', name: 'Alan', languages: ['en-GB'] },
    ],
    prepareText: (text) => text,
    modelOf: (voiceId) => `model of ${voiceId}`,
    openChild: (workerId, events) =>
      Object.assign(open(workerId, events), { answersAfterMs, soundFor: speechOf }),
  };
  return { plugin, children };
};
