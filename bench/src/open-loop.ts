import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@taleback/resilience';

export interface OpenLoopReport {
  /** Of every request that was answered, from the time it was scheduled for, milliseconds. */
  readonly latenciesMs: readonly number[];
  readonly errors: readonly unknown[];
  /** Answers per second, from the first schedule to the last answer. */
  readonly answeredPerSecond: number;
  /** The latest that a request was begun after its time, milliseconds. */
  readonly latestStartMs: number;
}

/** One request every so often. */
export const evenSchedule = (count: number, perSecond: number): number[] =>
  Array.from({ length: count }, (_, index) => (index * 1_000) / perSecond);

/** Requests that know nothing of each other, so many a second on average. */
export const poissonSchedule = (count: number, perSecond: number, random: Random): number[] => {
  let atMs = 0;
  return Array.from({ length: count }, () => {
    const mine = atMs;
    atMs -= (Math.log(1 - random()) * 1_000) / perSecond;
    return mine;
  });
};

/**
 * Begins each request at its time, whatever has become of the others, and counts its latency from that time: a slow
 * answer neither delays nor hides the requests after it.
 *
 * @param scheduleMs when each begins, from now
 */
export const runOpenLoop = async (
  scheduleMs: readonly number[],
  request: (index: number) => Promise<void>,
): Promise<OpenLoopReport> => {
  const latenciesMs: number[] = [];
  const errors: unknown[] = [];
  const pending: Promise<void>[] = [];
  const beganMs = performance.now();
  let latestStartMs = 0;
  for (const [index, atMs] of scheduleMs.entries()) {
    const dueMs = beganMs + atMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    latestStartMs = Math.max(latestStartMs, performance.now() - dueMs);
    pending.push(
      request(index).then(
        () => void latenciesMs.push(performance.now() - dueMs),
        (error: unknown) => void errors.push(error),
      ),
    );
  }
  await Promise.all(pending);
  const seconds = (performance.now() - beganMs) / 1_000;
  return { latenciesMs, errors, answeredPerSecond: latenciesMs.length / seconds, latestStartMs };
};
