import { interleaved, median } from './measure.ts';

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

/** The median of sequential round trips, per round. Time is that on the wall: the other side of a thread or process is part of a trip. */
export const interleavedTrips = <K extends string>(travellers: Record<K, Traveller>, rounds: number) =>
  interleaved(travellers, rounds, sequentialP50);

/** The time per trip with so many under way, per round. */
export const interleavedThroughput = <K extends string>(
  travellers: Record<K, Traveller>,
  rounds: number,
  concurrency: number,
) => interleaved(travellers, rounds, throughput(concurrency));
