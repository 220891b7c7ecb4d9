import { Bulkhead, type Priority } from '@taleback/resilience';
import PQueue from 'p-queue';
import {
  atMost,
  type BenchResult,
  type Contestant,
  type Goal,
  interleavedRounds,
  judged,
  median,
  pairedRatio,
} from './measure.ts';
import { LevelQueue, StandingQueue } from './queue-peers.ts';

const CONCURRENCY = 3;
const LEVELS: readonly Priority[] = ['high', 'normal', 'low'];

const TENANTS = Array.from({ length: 100 }, (_, index) => `tenant-${index}`);

const noop = async (): Promise<number> => 1;

/** 0, 1, 2 in an order without a pattern that a queue could profit from, the same for all. */
const levelOf = (job: number): number => (Math.imul(job + 1, 0x9e3779b1) >>> 16) % 3;

/** Queues the whole burst, then waits for its end. */
async function burst(size: number, add: (job: number) => Promise<unknown>): Promise<void> {
  const ends: Promise<unknown>[] = Array.from({ length: size });
  for (let job = 0; job < size; job += 1) ends[job] = add(job);
  await Promise.all(ends);
}

type Queue = () => (job: number) => Promise<unknown>;

const lists: Queue = () => {
  const queue = new LevelQueue(LEVELS.length, CONCURRENCY);
  return (job) => queue.add(noop, levelOf(job));
};

const ours: Queue = () => {
  const bulkhead = new Bulkhead({ maxConcurrent: CONCURRENCY, maxQueued: 10_000_000 });
  return (job) => bulkhead.run(noop, { priority: LEVELS[levelOf(job)] });
};

const oursWithTenants: Queue = () => {
  const bulkhead = new Bulkhead({ maxConcurrent: CONCURRENCY, maxQueued: 10_000_000 });
  return (job) =>
    bulkhead.run(noop, { priority: LEVELS[levelOf(job)], tenant: TENANTS[job % TENANTS.length] });
};

const pQueue: Queue = () => {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  return (job) => queue.add(noop, { priority: -levelOf(job) });
};

/** Whole bursts of `size`; the cost is counted per job. */
function bursts(queue: Queue, size: number, jobs: number): Contestant {
  return {
    count: jobs,
    work: async (count) => {
      for (let begun = 0; begun < count; begun += size) await burst(size, queue());
    },
  };
}

/** All contestants at one burst size, as multiples of the lists by level in the same rounds. */
async function compare(
  size: number,
  queues: Record<string, Queue>,
  rounds: number,
): Promise<Record<string, number>> {
  const jobs = Math.max(size, 20_000);
  const contestants = Object.fromEntries(
    Object.entries(queues).map(([name, queue]) => [name, bursts(queue, size, jobs)]),
  );
  const costs = await interleavedRounds({ lists: bursts(lists, size, jobs), ...contestants }, rounds);
  const label = `${size.toLocaleString('en')} jobs`;
  return {
    [`${label}, lists by level, CPU us per job`]: median(costs.lists),
    ...Object.fromEntries(
      Object.entries(costs)
        .filter(([name]) => name !== 'lists')
        .map(([name, cost]) => [`${label}, x lists: ${name}`, pairedRatio(cost, costs.lists)]),
    ),
  };
}

/** Jobs that pass through a queue of this length, which keeps it. */
function standing(length: number): Contestant {
  const bulkhead = new Bulkhead({ maxConcurrent: CONCURRENCY, maxQueued: 10_000_000 });
  const queue = new StandingQueue(bulkhead, length, (job) => ({
    priority: LEVELS[levelOf(job)],
    tenant: TENANTS[job % TENANTS.length],
  }));
  return { count: 50_000, work: (count) => queue.pass(count) };
}

/** What a job costs while a million others wait, as a multiple of what it costs while 10,000 do. */
async function measureDepth(): Promise<number> {
  const costs = await interleavedRounds({ small: standing(10_000), large: standing(1_000_000) }, 5);
  return pairedRatio(costs.large, costs.small);
}

export async function run(): Promise<BenchResult> {
  const own = { ours, 'ours, 100 tenants': oursWithTenants };
  const all = { ...own, 'p-queue': pQueue };
  const figures: Record<string, number> = {
    ...(await compare(1_000, all, 5)),
    ...(await compare(10_000, all, 5)),
    ...(await compare(100_000, own, 5)),
    ...(await compare(100_000, { 'ours beside p-queue': ours, 'p-queue': pQueue }, 1)),
    ...(await compare(1_000_000, own, 3)),
    'ours, a job while 1,000,000 wait x while 10,000 do': await measureDepth(),
  };
  const goals: Record<string, Goal> = {
    'ours, a job while 1,000,000 wait x while 10,000 do': atMost(2),
    '100,000 jobs, x lists: ours beside p-queue': {
      words: 'less than p-queue',
      isMet: (ratio) => ratio < (figures['100,000 jobs, x lists: p-queue'] ?? Number.NaN),
    },
  };
  for (const size of ['1,000', '10,000', '100,000', '1,000,000'])
    for (const name of Object.keys(own)) goals[`${size} jobs, x lists: ${name}`] = atMost(1.3);
  return judged('priority queue', figures, goals);
}
