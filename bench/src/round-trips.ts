import { collectGarbage, median } from './measure.ts';

export interface Traveller {
  readonly trip: () => Promise<void>;
  /** Trips per round. */
  readonly count: number;
}

/** One after the other. @returns the median of a trip, microseconds */
const sequentialP50 = async ({ trip, count }: Traveller): Promise<number> => {
  const elapsedMs: number[] = [];
  for (let made = 0; made < count; made += 1) {
    const since = performance.now();
    await trip();
    elapsedMs.push(performance.now() - since);
  }
  return median(elapsedMs) * 1_000;
};

/** So many under way at any time. @returns microseconds per trip, by the clock on the wall */
const throughput =
  (concurrency: number) =>
  async ({ trip, count }: Traveller): Promise<number> => {
    let begun = 0;
    const lane = async (): Promise<void> => {
      while (begun < count) {
        begun += 1;
        await trip();
      }
    };
    const since = performance.now();
    await Promise.all(Array.from({ length: concurrency }, lane));
    return ((performance.now() - since) * 1_000) / count;
  };

/**
 * Lets all take turns, round by round in one run, after one round to warm up; who begins changes from round to round.
 * Time is that on the wall: what happens on the other side of a thread or a process is part of a trip.
 *
 * @returns per traveller, the cost of a trip in each round, microseconds
 */
const interleaved = async <K extends string>(
  travellers: Record<K, Traveller>,
  rounds: number,
  measure: (traveller: Traveller) => Promise<number>,
): Promise<Record<K, number[]>> => {
  const names = Object.keys(travellers) as K[];
  const costs = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (const name of names) await measure(travellers[name]);
  for (let round = 0; round < rounds; round += 1) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      collectGarbage();
      costs[name].push(await measure(travellers[name]));
    }
  }
  return costs;
};

/** The median of sequential round trips, per round. */
export const interleavedTrips = <K extends string>(travellers: Record<K, Traveller>, rounds: number) =>
  interleaved(travellers, rounds, sequentialP50);

/** The time per trip with so many under way, per round. */
export const interleavedThroughput = <K extends string>(
  travellers: Record<K, Traveller>,
  rounds: number,
  concurrency: number,
) => interleaved(travellers, rounds, throughput(concurrency));
