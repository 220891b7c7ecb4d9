import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../framework.ts';
import type { System } from './system.ts';

/** Of one process, in MB. */
export interface MemoryFigures {
  /** Medians of the first and of the last third, after the warm-up. */
  readonly firstMb: number;
  readonly lastMb: number;
  readonly peakMb: number;
  /** Whether they were long enough apart to be compared. */
  readonly isTrend: boolean;
  /** What the function is deployed with. */
  readonly limitMb?: number;
}

const SAMPLE_EVERY_MS = 500;
/** Until modules, connections and caches are there, functions are compiled, and the heap has its size. */
const WARM_UP_MS = 30_000;
/** In less time after the warm-up there is no trend to judge: then only the limits hold. */
const MIN_TREND_MS = 30_000;
/**
 * V8 lets its heap grow between two large collections, by about half of what is alive in it; the bodies that are just
 * read come on top. What leaks a kilobyte a request passes this within two minutes.
 */
const MAX_GROWTH_MB = 48;
const MB = 1e6;
const MIB = 1_048_576;

const median = (values: readonly number[]): number =>
  Math.round(values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0);

/** Samples the memory of every process until it is over. */
export const watchMemory = async (
  { processes }: System,
  isOver: () => boolean,
): Promise<Readonly<Record<string, MemoryFigures>>> => {
  const startedAt = performance.now();
  const samples: (readonly [atMs: number, sizes: ReadonlyMap<string, number>])[] = [];
  const peaks = new Map<string, number>();
  while (!isOver()) {
    const sizes = new Map<string, number>();
    for (const [name, { pid }] of processes) {
      const { rssBytes, peakBytes } = await memoryOf(pid());
      sizes.set(name, rssBytes / MB);
      peaks.set(name, peakBytes / MB);
    }
    samples.push([performance.now() - startedAt, sizes]);
    await sleep(SAMPLE_EVERY_MS);
  }
  const totalMs = performance.now() - startedAt;
  const isTrend = totalMs >= WARM_UP_MS + MIN_TREND_MS;
  const warm = samples.filter(([atMs]) => !isTrend || atMs >= WARM_UP_MS).map(([, sizes]) => sizes);
  const third = Math.ceil(warm.length / 3);
  const figures = [...processes].map(([name, { limitMb }]) => {
    const medianOf = (part: typeof warm): number => median(part.map((sizes) => sizes.get(name) ?? 0));
    const own = {
      firstMb: medianOf(warm.slice(0, third)),
      lastMb: medianOf(warm.slice(-third)),
      peakMb: Math.round(peaks.get(name) ?? 0),
      isTrend,
    };
    return [
      name,
      limitMb === undefined ? own : { ...own, limitMb: Math.round((limitMb * MIB) / MB) },
    ] as const;
  });
  return Object.fromEntries(figures);
};

/** What is wrong with the memory, a sentence each. */
export const judgeMemory = (figures: Readonly<Record<string, MemoryFigures>>): readonly string[] =>
  Object.entries(figures).flatMap(([name, { firstMb, lastMb, peakMb, limitMb, isTrend }]) => {
    const faults: string[] = [];
    if (isTrend && lastMb > firstMb + MAX_GROWTH_MB)
      faults.push(`the memory of ${name} grew from ${firstMb} to ${lastMb} MB`);
    if (limitMb !== undefined && peakMb > limitMb)
      faults.push(`${name} took ${peakMb} MB, and is deployed with ${limitMb} MB`);
    return faults;
  });
