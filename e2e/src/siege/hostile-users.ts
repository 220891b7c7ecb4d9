import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import {
  type HandCall,
  readsOfOthers,
  writesByOtherPaths,
  writesOfField,
} from '@taleback/functions/test/rules/hostile-calls.ts';
import { nameOf, type RestCall, restAs } from '@taleback/functions/test/rules/rest-client.ts';
import { AUDIO_FIELDS, plainStory } from '@taleback/functions/test/rules/rules-environment.ts';
import type { Random } from '../chaos/random.ts';
import type { System } from './system.ts';

const { collections, functions } = createNames();

/** Something that must have no effect. */
export interface HostileOperation {
  readonly name: string;
  /** What it would have done, had it been let in. */
  readonly wouldHave: string;
  /** Statuses by which it is refused. 429, 503 and a closed connection always refuse. */
  readonly refusedWith: readonly number[];
  /** @returns the status of the answer; 0 when there was none */
  readonly send: () => Promise<number>;
}

export type Draw = (random: Random) => HostileOperation;

export const pick = <T>(items: readonly T[], random: Random): T =>
  items[random.between(0, items.length - 1)] as T;

/** Hostile users: anonymous ones, and one whose token claims everything. */
const USERS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['mallory', { admin: true, role: 'owner', userId: 'reader-0-0' }],
  ['trudy', { firebase: { sign_in_provider: 'anonymous' } }],
  ['oscar', { firebase: { sign_in_provider: 'anonymous' } }],
];
/** Stories that each of them asks for, more than a day's budget has room for. */
const FLOOD = 150;
const FLOOD_AT_ONCE = 10;
/** Who asks for voices of others. */
const MIMIC = 'wendy';
const GUESSED = '21m00Tcm4TlvDq8ikWAM';
const VOICES = { 'voice-of-no-one': 'closed', 'voice-of-alice': { owner: 'alice' } } as const;
/** Who holds locks on own stories that the sweep has to end. */
const LOCKER = 'craig';
const LOCKED = 40;
const LOCK_MS = [2_000, 8_000] as const;

const ownId = (user: string): string => `story-of-${user}`;
const lockedId = (index: number): string => `locked-story-of-${LOCKER}-${index}`;

const floodId = (user: string, index: number): string => `flood-of-${user}-${index}`;
const storyPath = (id: string): string => `${collections.stories}/${id}`;
const SERVER_DOCUMENTS = [
  ...[collections.usage, collections.replays, collections.workers, collections.owedEvents].map(
    (name) => `${name}/mallory`,
  ),
  ...Object.keys(VOICES).map((voice) => `${collections.voices}/flite:${voice}`),
];
const SERVER_FIELDS = Object.keys(AUDIO_FIELDS);

/** Data that no callable takes. */
const ODD_DATA: readonly unknown[] = [
  null,
  7,
  'story',
  [],
  {},
  { storyId: null },
  { storyId: ['a'] },
  { storyId: { a: 1 } },
  { storyId: '' },
  { storyId: 'a/b' },
  { storyId: '..' },
  { storyId: '__a__' },
  { storyId: 'x'.repeat(2_000) },
  { storyId: '\ud800' },
  { storyId: 'a', voiceId: 7 },
  { storyId: 'a', voiceId: 'x'.repeat(2_000) },
  { storyId: 'a', language: ['en'] },
];

/** What the hostile users and Alice have. */
export interface HostileStories {
  /** To be found as they are. `s`, which fuzzed requests name, is Alice's. */
  readonly untouched: readonly string[];
  /** Overdue, and to be ended as soon as their locks are gone. */
  readonly locked: readonly string[];
  /** To be narrated as far as the budget of their user allows. */
  readonly flood: readonly string[];
  /** Voices that none of them may use. */
  readonly voices: readonly string[];
}

export const plantHostileStories = async ({ seed }: System): Promise<HostileStories> => {
  const owners = new Map([['s', 'alice'], ...USERS.map(([user]) => [ownId(user), user] as const)]);
  const flood = USERS.flatMap(([user]) =>
    Array.from({ length: FLOOD }, (_, at) => [floodId(user, at), user] as const),
  );
  const locked = Array.from({ length: LOCKED }, (_, index) => lockedId(index));
  const job = { audioStatus: 'processing', audioAttempt: 1, audioLeaseExpiresAt: new Date() };
  await seed(
    Object.fromEntries([
      ...[...owners].map(([id, user]) => [
        storyPath(id),
        { ...plainStory(user), ...AUDIO_FIELDS, audioEventSequence: 0 },
      ]),
      [storyPath(ownId(MIMIC)), plainStory(MIMIC)],
      ...flood.map(([id, user]) => [
        storyPath(id),
        { ...plainStory(user), voiceId: 'slt', text: `This is ${id}.` },
      ]),
      ...Object.entries(VOICES).map(([voiceId, access]) => [
        `${collections.voices}/flite:${voiceId}`,
        {
          engine: 'flite',
          voiceId,
          name: voiceId,
          languages: ['en'],
          isPrivate: true,
          access,
          isDecided: true,
        },
      ]),
      ...locked.flatMap((id) => {
        const [path, jobId] = [storyPath(id), `job-of-${id}`];
        return [
          [path, { ...plainStory(LOCKER), ...job, audioJobId: jobId }],
          [`${path}/${collections.attempts}/${jobId}`, { jobId, number: 1, status: 'processing' }],
        ];
      }),
    ]),
  );
  return {
    untouched: [...owners.keys(), ownId(MIMIC)],
    locked,
    flood: flood.map(([id]) => id),
    voices: [...Object.keys(VOICES), GUESSED],
  };
};

/** @param victim draws the id of a story of an honest user */
export const hostileUsers = (system: System, victim: (random: Random) => string): readonly Draw[] => {
  const named = (path: string): string => nameOf(system, path);
  const asUser = (random: Random): readonly [string, RestCall, string] => {
    const [user, claims] = pick(USERS, random);
    return [user, restAs(system, user, claims), system.tokenFor(user, claims)];
  };
  const byHand =
    (wouldHave: string, calls: (own: string, other: string, random: Random) => readonly HandCall[]): Draw =>
    (random) => {
      const [user, rest] = asUser(random);
      const [own, other] = [storyPath(ownId(user)), storyPath(victim(random))];
      const { method, path, body } = pick(calls(own, other, random), random);
      const send = async (): Promise<number> => (await rest(method, path, body)).status;
      // 409: beside a transaction of the server, before the rules are asked.
      return { name: `${method} ${path} by ${user}`, wouldHave, refusedWith: [403, 409], send };
    };
  const calling =
    (
      wouldHave: string,
      refusedWith: readonly number[],
      make: (
        random: Random,
        user: string,
      ) => { readonly data: unknown; readonly name?: string; readonly token?: string | undefined },
    ): Draw =>
    (random) => {
      const [user, , own] = asUser(random);
      const any = pick([functions.request, functions.retry], random);
      const { name, data, token } = { name: any, token: own, ...make(random, user) };
      const send = async (): Promise<number> => (await system.call(name, data, token)).status;
      return { name: `${name} with ${JSON.stringify(data)?.slice(0, 80)}`, wouldHave, refusedWith, send };
    };
  return [
    byHand('marked an own story as narrated', (own, _other, random) =>
      writesOfField(pick(SERVER_FIELDS, random), own, named),
    ),
    byHand("changed another's story", (_own, other, random) =>
      writesOfField(pick(SERVER_FIELDS, random), other, named),
    ),
    byHand('marked an own story as narrated', (own) => writesByOtherPaths(own, named)),
    byHand("changed another's story", (_own, other) => writesByOtherPaths(other, named)),
    byHand("read another's story", (own, other) => readsOfOthers(other, own)),
    byHand('changed what only the server keeps', (_own, _other, random) => [
      { method: pick(['GET', 'DELETE'], random), path: `/${pick(SERVER_DOCUMENTS, random)}` },
      { method: 'PATCH', path: `/${pick(SERVER_DOCUMENTS, random)}`, body: { fields: {} } },
    ]),
    calling("narrated another's story", [404], (random) => ({
      data: { storyId: victim(random), voiceId: 'slt', priority: 'high' },
    })),
    calling('spoken in a voice of others', [400], (random) => ({
      name: functions.request,
      data: { storyId: ownId(MIMIC), voiceId: pick([...Object.keys(VOICES), GUESSED], random) },
      token: system.tokenFor(MIMIC),
    })),
    calling('queued something that is no story', [400], (random) => ({ data: pick(ODD_DATA, random) })),
    calling('let strangers in', [401], (random) => ({
      data: { storyId: victim(random) },
      token: pick([undefined, ''], random),
    })),
    (random) => {
      const [user, , token] = asUser(random);
      const ask = async (): Promise<number> => {
        const data = { storyId: floodId(user, random.between(0, FLOOD - 1)), priority: 'high' };
        return (await system.call(functions.request, data, token)).status;
      };
      return {
        name: `${FLOOD_AT_ONCE} requests at once by ${user}`,
        wouldHave: 'broken the function',
        // What is granted is counted in the end.
        refusedWith: [200],
        send: async () => Math.max(...(await Promise.all(Array.from({ length: FLOOD_AT_ONCE }, ask)))),
      };
    },
  ];
};

/**
 * Holds read locks on all stories of the locker, in one transaction after another that begins before the one before
 * has ended, as long as the siege lasts.
 */
export const holdLocks = async (system: System, random: Random, isOver: () => boolean): Promise<number> => {
  const rest = restAs(system, LOCKER);
  const documents = Array.from({ length: LOCKED }, (_, index) =>
    nameOf(system, `${collections.stories}/${lockedId(index)}`),
  );
  let held = 0;
  let last: string | undefined;
  const rollback = async (transaction: string | undefined): Promise<void> => {
    if (transaction !== undefined) await rest('POST', ':rollback', { transaction });
  };
  while (!isOver()) {
    const begun = await rest('POST', ':beginTransaction', { options: { readWrite: {} } });
    const { transaction } = begun.body as { readonly transaction?: string };
    const read = await rest('POST', ':batchGet', { documents, transaction });
    if (read.status === 200) held += 1;
    await rollback(last);
    last = transaction;
    await sleep(random.between(...LOCK_MS));
  }
  await rollback(last);
  return held;
};
