import { setTimeout as sleep } from 'node:timers/promises';
import { AggregateField } from 'firebase-admin/firestore';
import { createNames } from '@taleback/core';
import { type Random, randomFrom } from '../chaos/random.ts';
import { runHonestUsers } from './honest.ts';
import { hostileClients, sendSlowly } from './hostile-clients.ts';
import { type Draw, holdLocks, hostileUsers, pick, plantHostileStories } from './hostile-users.ts';
import { judge } from './judge.ts';
import { judgeMemory, type MemoryFigures, watchMemory } from './memory.ts';
import { openSystem, type System } from './system.ts';

export interface SiegeReport {
  readonly seed: number;
  readonly seconds: number;
  readonly honest: {
    readonly stories: number;
    readonly requests: number;
    readonly latencyMs: {
      readonly p50: number;
      readonly p95: number;
      readonly max: number;
      /** The longest of each way to have a story narrated. */
      readonly slowest: Readonly<Record<string, number>>;
    };
  };
  readonly hostile: {
    readonly operations: number;
    /** How many were answered with each status. */
    readonly answers: Readonly<Record<string, number>>;
    /** Bodies that came too slowly. */
    readonly slowBodies: number;
    /** Transactions that held locks. */
    readonly locks: number;
  };
  readonly memory: Readonly<Record<string, MemoryFigures>>;
  /** What was wrong, a sentence each; none when the siege was survived. */
  readonly faults: readonly string[];
}

const HONEST_USERS = 7;
/** Hostile operations at once, of users and of clients. */
const HOSTILE_USERS = 3;
const HOSTILE_CLIENTS = 4;
const HOSTILE_PAUSE_MS = [20, 200] as const;
const SLOW_CONNECTIONS = 30;
const MAX_LATENCY_MS = 30_000;
/** Twice what a sweep may take, whose work the locks have held up. */
const SETTLE_MS = 120_000;

/** Carries out one operation after another. What is let in, or breaks, is a fault. */
const attack = async (
  draws: readonly Draw[],
  random: Random,
  isOver: () => boolean,
): Promise<{ readonly statuses: readonly number[]; readonly faults: readonly string[] }> => {
  const statuses: number[] = [];
  const faults: string[] = [];
  while (!isOver()) {
    const { name, wouldHave, refusedWith, send } = pick(draws, random)(random);
    const status = await send().catch(() => 0);
    statuses.push(status);
    if (![0, 429, 503, ...refusedWith].includes(status))
      faults.push(`${name} was answered ${status}; it would have ${wouldHave}`);
    await sleep(random.between(...HOSTILE_PAUSE_MS));
  }
  return { statuses, faults };
};

/** Waits until no story is under way, and every event of an end has come. */
const settle = async ({ firestore, consumer }: System): Promise<readonly string[]> => {
  const stories = firestore.collection(createNames().collections.stories);
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const [ends, underWay] = await Promise.all([
      stories.aggregate({ all: AggregateField.sum('audioEventSequence') }).get(),
      stories.where('audioStatus', 'in', ['pending', 'processing']).count().get(),
    ]);
    const left = [underWay.data().count, (ends.data().all ?? 0) - consumer.events.size];
    if (left.every((count) => count <= 0)) return [];
    if (Date.now() > deadline)
      return [`${left[0]} stories are still under way, ${left[1]} events did not come`];
    await sleep(250);
  }
};

/** A siege of so many seconds, over the emulators that the environment names. */
export const runSiege = async (seed: number, seconds: number, folder: string): Promise<SiegeReport> => {
  const random = randomFrom(seed);
  const system = await openSystem(folder, random);
  try {
    const planted = await plantHostileStories(system);
    const victim = (from: Random): string => {
      const honest = system.jobs.filter(({ input }) => input.metadata.user_id.startsWith('reader'));
      return honest.length === 0 ? 's' : pick(honest, from).input.metadata.story_id;
    };
    const [users, clients] = [hostileUsers(system, victim), hostileClients(system, victim)];
    const attackers = [
      ...Array<typeof users>(HOSTILE_USERS).fill(users),
      ...Array<typeof users>(HOSTILE_CLIENTS).fill(clients),
    ];
    const started = Date.now();
    const isLate = (): boolean => Date.now() - started >= seconds * 1000;
    let isOver = false;
    const hasEnded = (): boolean => isOver;
    const hostile = Promise.all([
      Promise.all(attackers.map((draws, index) => attack(draws, random.fork(`attacker-${index}`), hasEnded))),
      sendSlowly(system, SLOW_CONNECTIONS, hasEnded),
      holdLocks(system, random.fork('locks'), hasEnded),
      watchMemory(system, hasEnded),
    ]);
    hostile.catch(() => {});
    // The hostile ones go on until the last honest story has come to its end.
    const honest = await runHonestUsers(HONEST_USERS, system, random.fork('honest'), isLate);
    isOver = true;
    const [attacks, slow, locks, memory] = await hostile;
    const unsettled = await settle(system);
    const sorted = honest.latencies.toSorted((one, other) => one.ms - other.ms);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.ms ?? 0;
    // The last of each way is the longest.
    const slowest = Object.fromEntries(sorted.map(({ way, ms }) => [way, ms]));
    const statuses = attacks.flatMap((one) => one.statuses);
    const answers = Map.groupBy(statuses, String);
    const slowBodies = [...slow]
      .filter(([status]) => status === 408)
      .reduce((sum, [, count]) => sum + count, 0);
    return {
      seed,
      seconds: Math.round((Date.now() - started) / 1000),
      honest: {
        stories: honest.stories.length,
        requests: sorted.length,
        latencyMs: { p50: at(0.5), p95: at(0.95), max: at(1), slowest },
      },
      hostile: {
        operations: statuses.length,
        answers: Object.fromEntries([...answers].map(([status, all]) => [status, all.length])),
        slowBodies,
        locks,
      },
      memory,
      faults: [
        ...honest.faults,
        ...unsettled,
        ...sorted
          .filter(({ ms }) => ms > MAX_LATENCY_MS)
          .map(({ way, ms }) => `an honest story, ${way}, took ${ms} ms`),
        ...attacks.flatMap((one) => one.faults),
        ...[...slow]
          .filter(([status]) => ![0, 408, 429, 503].includes(status))
          .map(([status, count]) => `${count} slow bodies were answered ${status}`),
        ...(slowBodies === 0 || locks === 0 ? ['no slow body was given up, or no lock was held'] : []),
        ...(honest.stories.length < HONEST_USERS ? ['an honest user had no story'] : []),
        ...(await judge(system, honest.stories, planted)),
        ...judgeMemory(memory),
      ],
    };
  } finally {
    await system.close();
  }
};
