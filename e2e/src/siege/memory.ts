import { readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../framework.ts';
import type { System } from './system.ts';

/** Until modules, connections and caches are there, functions are compiled, and the heap has its size. */
const WARM_UP_MS = 30_000;
/** In less time after the warm-up there is no trend to judge: then only the limits hold. */
const MIN_TREND_MS = 30_000;
/**
 * V8 lets its heap grow to several times what is alive in it before a large collection: a quarter of a function's memory.
 * Two runs of two minutes gained 28 and 54 MB of 537.
 */
const MAX_GROWTH_SHARE = 0.25;
/** What is alive in a function's heap once everything is loaded: in runs of four and eight minutes it stayed at 47 to 53 MB. */
const LOADED_MB = 53;
const MAX_LIVE_GROWTH_MB = 8;
/** Of the worker, which has no limit: its narrations in hand. */
const MAX_WORKER_GROWTH_MIB = 64;
const MB = 1e6;
const MIB = 1_048_576;

const median = (values: readonly number[]): number =>
  Math.round(values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0);

type Watched = System['processes'][number];

/** What is alive in the heap after a garbage collection, in MB; undefined when the process does not say within 10 s. */
const readLiveMb = async ({ pid, heapFile }: Watched): Promise<number | undefined> => {
  if (heapFile === undefined) return undefined;
  await rm(heapFile, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (let tries = 0; tries < 100; tries += 1) {
    const bytes = Number(await readFile(heapFile, 'utf8').catch(() => 0));
    if (bytes > 0) return Math.round(bytes / MB);
    await sleep(100);
  }
  return undefined;
};

/** Samples the memory of every process until it is over. @returns figures in MB, and what is wrong, a sentence each */
export const watchMemory = async ({ processes }: System, isOver: () => boolean) => {
  const startedAt = performance.now();
  const elapsedMs = (): number => performance.now() - startedAt;
  const watched = processes.map((one) => ({
    ...one,
    samples: [] as (readonly [number, number])[],
    peakMb: 0,
    live: [] as (number | undefined)[],
  }));
  const ended = new Set<string>();
  while (!isOver()) {
    for (const one of watched) {
      const memory = await memoryOf(one.pid).catch(() => undefined);
      if (memory === undefined) ended.add(one.name);
      const { rssBytes, peakBytes } = memory ?? { rssBytes: 0, peakBytes: 0 };
      if (memory !== undefined && one.live.length === 0 && elapsedMs() >= WARM_UP_MS)
        one.live.push(await readLiveMb(one));
      one.samples.push([elapsedMs(), rssBytes / MB]);
      one.peakMb = Math.max(one.peakMb, Math.round(peakBytes / MB));
    }
    await sleep(500);
  }
  for (const one of watched) if (!ended.has(one.name)) one.live.push(await readLiveMb(one));
  const isTrend = elapsedMs() >= WARM_UP_MS + MIN_TREND_MS;
  const faults = [...ended].map((name) => `${name} has ended, perhaps without memory`);
  const figures = watched.map(({ name, samples, peakMb, limitMib, live }) => {
    const warm = samples.filter(([atMs]) => !isTrend || atMs >= WARM_UP_MS).map(([, rssMb]) => rssMb);
    const third = Math.ceil(warm.length / 3);
    const [firstMb, lastMb] = [median(warm.slice(0, third)), median(warm.slice(-third))];
    const growthMib = Number.isFinite(limitMib) ? limitMib * MAX_GROWTH_SHARE : MAX_WORKER_GROWTH_MIB;
    if (isTrend && lastMb > firstMb + (growthMib * MIB) / MB)
      faults.push(`the memory of ${name} grew from ${firstMb} to ${lastMb} MB`);
    const [liveMb, lastLiveMb] = live;
    if (
      isTrend &&
      liveMb !== undefined &&
      (lastLiveMb ?? Infinity) > Math.max(liveMb, LOADED_MB) + MAX_LIVE_GROWTH_MB
    )
      faults.push(`what is alive in ${name} grew from ${liveMb} to ${lastLiveMb} MB`);
    if (peakMb > (limitMib * MIB) / MB)
      faults.push(`${name} took ${peakMb} MB, and is deployed with ${limitMib} MiB`);
    return [name, { firstMb, lastMb, peakMb, liveMb, lastLiveMb }] as const;
  });
  return { figures: Object.fromEntries(figures), faults };
};
