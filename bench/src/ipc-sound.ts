/** What a child is asked for: so many samples, marked at both ends so that no other answer passes for it. */
const ORDER = /^(\d+) (\d+) /;

const RATE_HZ = 16_000;
const kept = new Map<number, Int16Array<ArrayBuffer>>();

export interface Sound {
  readonly sampleRateHz: number;
  readonly samples: Int16Array<ArrayBuffer>;
}

/** A text that reads like a sentence and orders a sound. */
export const orderSound = (sampleCount: number, mark: number): string =>
  `${sampleCount} ${mark} is what this sentence asks for, and not one sample more.`;

/** The sound that was ordered. The samples are those of the last answer of this size: no engine is measured. */
export const soundOf = (text: string): Sound => {
  const [, count = '1', mark = '0'] = ORDER.exec(text) ?? [];
  const sampleCount = Number(count);
  let samples = kept.get(sampleCount);
  if (samples === undefined) {
    samples = new Int16Array(sampleCount).map((_, index) => index % 4_096);
    kept.set(sampleCount, samples);
  }
  samples[0] = Number(mark);
  samples[sampleCount - 1] = Number(mark);
  return { sampleRateHz: RATE_HZ, samples };
};

/** @throws Error when it is not the sound that was ordered. */
export const verifyOrder = ({ sampleRateHz, samples }: Sound, sampleCount: number, mark: number): void => {
  const isWhole = samples.length === sampleCount && sampleRateHz === RATE_HZ;
  if (!isWhole || samples[0] !== mark || samples[sampleCount - 1] !== mark) {
    throw new Error(`${samples.length} samples marked ${samples[0]}, not ${sampleCount} marked ${mark}`);
  }
};

/** An engine that costs nothing. */
export const freeEngine = {
  name: 'bench',
  languages: ['en'],
  concurrency: 1,
  voices: () => [{ id: 'bench', name: 'Bench', languages: ['en'] }],
  prepareText: (text: string) => text,
  synthesizeChunk: async ({ text }: { readonly text: string }) => soundOf(text),
};
