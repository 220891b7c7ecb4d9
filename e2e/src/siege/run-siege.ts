import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { AggregateField } from 'firebase-admin/firestore';
import { type Random, randomFrom } from '../chaos/random.ts';
import { runHonestUsers } from './honest.ts';
import { hostileClients, sendSlowly } from './hostile-clients.ts';
import {
  type Draw,
  holdLocks,
  hostileUsers,
  pick,
  plantHostileStories,
  tryVoiceAndBudget,
  type Victim,
} from './hostile-users.ts';
import { judge } from './judge.ts';
import { watchMemory } from './memory.ts';
import { openSystem, type System } from './system.ts';

const HONEST_USERS = 7;
const SLOW_CONNECTIONS = 30;
const MAX_LATENCY_MS = 30_000;
/** Twice what a sweep may take, whose work the locks have held up. */
const SETTLE_MS = 120_000;
const ALWAYS_REFUSED = [0, 429, 503];

/** Carries out one operation after another. What is let in is a fault. */
const attack = async (draws: readonly Draw[], random: Random, isOver: () => boolean) => {
  const statuses: number[] = [];
  const faults: string[] = [];
  while (!isOver()) {
    const { effect, refusedWith, send } = pick(draws, random)(random);
    const status = await send().catch(() => 0);
    statuses.push(status);
    if (![...ALWAYS_REFUSED, ...refusedWith].includes(status))
      faults.push(`an operation was answered ${status}, by which ${effect}`);
    await sleep(random.between(20, 200));
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

const countOf = (statuses: readonly number[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...Map.groupBy(statuses, String)].map(([status, all]) => [status, all.length]));

/** A siege of so many seconds. @returns its figures, and what was wrong, a sentence each */
export const runSiege = async (seed: number, seconds: number, folder: string) => {
  const random = randomFrom(seed);
  const system = await openSystem(folder, random);
  try {
    const planted = await plantHostileStories(system);
    const victim: Victim = (from) => {
      const honest = system.jobs.filter(({ input }) => input.metadata.user_id.startsWith('reader'));
      return honest.length === 0 ? 's' : pick(honest, from).input.metadata.story_id;
    };
    const [users, clients] = [hostileUsers(system, victim), hostileClients(system, victim)];
    const attackers = [users, users, users, clients, clients, clients, clients];
    const startedAt = Date.now();
    const known = await tryVoiceAndBudget(system);
    let isOver = false;
    const hasEnded = (): boolean => isOver;
    const hostile = Promise.all([
      Promise.all(attackers.map((draws, index) => attack(draws, random.fork(`hostile-${index}`), hasEnded))),
      sendSlowly(system, SLOW_CONNECTIONS, hasEnded),
      holdLocks(system, random.fork('locks'), hasEnded),
      watchMemory(system, hasEnded),
    ]);
    hostile.catch(() => {});
    // The hostile ones go on until the last honest story has come to its end.
    const isLate = (): boolean => Date.now() - startedAt >= seconds * 1000;
    const honest = await runHonestUsers(HONEST_USERS, system, random.fork('honest'), isLate);
    isOver = true;
    const [attacks, slow, locks, memory] = await hostile;
    const unsettled = await settle(system);
    const sorted = honest.latencies.toSorted((one, other) => one.ms - other.ms);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)]?.ms ?? 0;
    const statuses = attacks.flatMap((one) => one.statuses);
    const late = sorted.filter(({ ms }) => ms > MAX_LATENCY_MS);
    const isIdle = honest.stories.length < HONEST_USERS || locks === 0 || !slow.includes(408);
    return {
      figures: {
        seed,
        seconds: Math.round((Date.now() - startedAt) / 1000),
        honest: {
          stories: honest.stories.length,
          latencyMs: { p50: at(0.5), p95: at(0.95), max: at(1) },
          // The last of each way is the longest.
          slowestMs: Object.fromEntries(sorted.map(({ way, ms }) => [way, ms])),
        },
        hostile: {
          operations: statuses.length,
          answers: countOf(statuses),
          slowBodies: countOf(slow),
          locks,
        },
        memory: memory.figures,
      },
      faults: [
        ...known,
        ...honest.faults,
        ...late.map(({ way, ms }) => `an honest story, ${way}, took ${ms} ms`),
        ...attacks.flatMap((one) => one.faults),
        ...slow
          .filter((status) => ![408, ...ALWAYS_REFUSED].includes(status))
          .map((status) => `a slow body was answered ${status}`),
        ...(isIdle ? ['an honest user had no story, no lock was held or no slow body was given up'] : []),
        ...unsettled,
        ...(await judge(system, honest.stories, planted, startedAt)),
        ...memory.faults,
      ],
    };
  } finally {
    await system.close();
  }
};
