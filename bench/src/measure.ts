import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { randomFrom } from '@taleback/e2e/src/chaos/random.ts';
import type { Random } from '@taleback/resilience';

/** What one benchmark found. Printed as one JSON line. */
export interface BenchResult {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
  /** What each figure should be, in words. */
  readonly goals: Readonly<Record<string, string>>;
  /** Whether every goal is met. */
  readonly holds: boolean;
}

/** What a figure should be, in words, and whether a value is. */
export interface Goal {
  readonly words: string;
  readonly isMet: (value: number) => boolean;
}

export const atMost = (limit: number): Goal => ({
  words: `<= ${limit}`,
  isMet: (value) => value <= limit,
});

export const below = (limit: number): Goal => ({ words: `< ${limit}`, isMet: (value) => value < limit });

/** What a benchmark found, judged by the goals for some of its figures. */
export const judged = (
  name: string,
  figures: Readonly<Record<string, number>>,
  goals: Readonly<Record<string, Goal>>,
): BenchResult => ({
  name,
  figures,
  goals: Object.fromEntries(Object.entries(goals).map(([figure, { words }]) => [figure, words])),
  holds: Object.entries(goals).every(([figure, { isMet }]) => isMet(figures[figure] ?? Number.NaN)),
});

/** How long something takes, milliseconds. */
export const elapsedMs = async (run: () => Promise<unknown>): Promise<number> => {
  const since = performance.now();
  await run();
  return performance.now() - since;
};

/** Does the work `count` times. */
export type Work = (count: number) => Promise<void> | void;

export interface Contestant {
  readonly work: Work;
  /** Repetitions per round: enough for some 10 ms, so that the clock's step does not show. */
  readonly count: number;
}

setFlagsFromString('--expose-gc');
/** Everyone starts with a clean heap, and pays for his own garbage only. */
export const collectGarbage = runInNewContext('gc') as () => void;

/** CPU time of this process per repetition, microseconds: it survives busy neighbours better than wall time. */
async function cpuMicros({ work, count }: Contestant): Promise<number> {
  const before = process.cpuUsage();
  await work(count);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/**
 * Lets all take turns, round by round in one run, after one round to warm up; who begins changes from round to round.
 *
 * @returns per contestant, what was measured in each round
 */
export const interleaved = async <K extends string, C>(
  contestants: Record<K, C>,
  rounds: number,
  measure: (contestant: C) => Promise<number>,
): Promise<Record<K, number[]>> => {
  const names = Object.keys(contestants) as K[];
  const costs = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (const name of names) await measure(contestants[name]);
  for (let round = 0; round < rounds; round += 1) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      collectGarbage();
      costs[name].push(await measure(contestants[name]));
    }
  }
  return costs;
};

/** The cost per repetition in each round, microseconds. */
export const interleavedRounds = <K extends string>(contestants: Record<K, Contestant>, rounds: number) =>
  interleaved(contestants, rounds, cpuMicros);

/** The median of the ratios of one round each: what happens to a whole round happens to both. */
export function pairedRatio(costs: readonly number[], floor: readonly number[]): number {
  return median(costs.map((cost, round) => cost / (floor[round] ?? Number.NaN)));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

/** Three digits say all that such figures can. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** The nearest-rank percentile of a sample, share 0 to 1, rounded to a hundredth. NaN for an empty sample. */
export const percentile = (sample: readonly number[], share: number): number => {
  const sorted = [...sample].sort((a, b) => a - b);
  const rank = Math.max(0, Math.ceil(share * sorted.length) - 1);
  return Math.round((sorted[rank] ?? Number.NaN) * 100) / 100;
};

/** The same numbers, 0 to 1, in every run. */
export const seededRandom = (seed: number): Random => randomFrom(seed).next;
