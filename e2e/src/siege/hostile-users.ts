import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import {
  creationOf,
  type HandCall,
  readsOfOthers,
  writesByOtherPaths,
  writesOfField,
} from '@taleback/functions/test/rules/hostile-calls.ts';
import { nameOf, restAs } from '@taleback/functions/test/rules/rest-client.ts';
import { AUDIO_FIELDS, plainStory } from '@taleback/functions/test/rules/rules-environment.ts';
import type { Random } from '../chaos/random.ts';
import type { System } from './system.ts';

const { collections, documents, functions } = createNames();

/** Something that must have no effect. */
export interface HostileOperation {
  /** What it would have done, had it been let in. */
  readonly effect: string;
  /** Statuses by which it is refused. 429, 503 and a closed connection always refuse. */
  readonly refusedWith: readonly number[];
  readonly send: () => Promise<number>;
}
export type Draw = (random: Random) => HostileOperation;
/** Draws the id of an honest user's story. */
export type Victim = (random: Random) => string;

export const pick = <T>(items: readonly T[], random: Random): T =>
  items[random.between(0, items.length - 1)] as T;

const ANONYMOUS = { firebase: { sign_in_provider: 'anonymous' } };
/** Hostile users, with the claims of their tokens and the narrations that a day has room for by default. */
const USERS = [
  { userId: 'mallory', claims: { admin: true, role: 'owner', user_id: 'reader-0-0' }, budget: 100 },
  { userId: 'trudy', claims: ANONYMOUS, budget: 20 },
  { userId: 'oscar', claims: ANONYMOUS, budget: 20 },
] as const;
/** Stories that each of them asks for, more than the budget has room for, so many at once. */
const FLOOD = 150;
const FLOOD_AT_ONCE = 10;
/** Asks for voices of others, one of them guessed. */
const MIMIC = 'wendy';
const VOICES = { 'voice-of-no-one': 'closed', 'voice-of-alice': { owner: 'alice' } } as const;
/** A worker reports it. */
const CLONED_VOICE = 'clone77';
const FORBIDDEN_VOICES = [...Object.keys(VOICES), CLONED_VOICE, '21m00Tcm4TlvDq8ikWAM'];
/** Holds locks on own stories that the sweep has to end. */
const LOCKER = 'craig';
const LOCKED = 40;

const storyOf = (user: string): string => `story-of-${user}`;
const floodOf = (user: string, index: number): string => `flood-of-${user}-${index}`;
const LOCKED_IDS = Array.from({ length: LOCKED }, (_, index) => `locked-${index}`);
const at = (storyId: string): string => `${collections.stories}/${storyId}`;
const voiceAt = (voiceId: string): string => `${collections.voices}/flite:${voiceId}`;

/** Callables that name a story. */
const OF_A_STORY = [functions.request, functions.retry, functions.deleteStory];
/** Ids that no callable takes. */
const ODD_IDS = [null, 7, ['a'], {}, '', 'a/b', '..', '__a__', '\ud800', 'x'.repeat(2_000)];
/** Ids that clients may not choose. */
const FOREIGN_IDS = ['story123', 'a\nb', 'health-probe', 'x'.repeat(1_500), '0-0-0'];
const SERVER_FIELDS = Object.keys(AUDIO_FIELDS);
const SERVER_DOCUMENTS = [
  ...Object.keys(VOICES).map(voiceAt),
  ...[collections.usage, collections.replays, collections.workers].map((name) => `${name}/mallory`),
];

export const plantHostileStories = async ({ seed }: System) => {
  // Fuzzed requests name `s`.
  const narrated = new Map([
    ['s', 'alice'],
    ...USERS.map(({ userId }) => [storyOf(userId), userId] as const),
  ]);
  const flood = USERS.flatMap(({ userId }) =>
    Array.from({ length: FLOOD }, (_, index) => [floodOf(userId, index), userId] as const),
  );
  const job = {
    audioStatus: 'processing',
    audioAttempt: 1,
    audioLeaseExpiresAt: new Date(),
    audioJobId: 'j',
  };
  const voice = { engine: 'flite', languages: ['en'], isPrivate: true, isDecided: true };
  await seed({
    [at(storyOf(MIMIC))]: plainStory(MIMIC),
    ...Object.fromEntries([
      ...[...narrated].map(([id, userId]) => [
        at(id),
        { ...plainStory(userId), ...AUDIO_FIELDS, audioEventSequence: 0 },
      ]),
      ...flood.map(([id, userId]) => [
        at(id),
        { ...plainStory(userId), voiceId: 'slt', text: `I am ${id}.` },
      ]),
      ...LOCKED_IDS.flatMap((id) => [
        [at(id), { ...plainStory(LOCKER), ...job }],
        [`${at(id)}/${collections.attempts}/j`, { jobId: 'j', number: 1, status: 'processing' }],
      ]),
      ...Object.entries(VOICES).map(([voiceId, access]) => [
        voiceAt(voiceId),
        { ...voice, voiceId, name: voiceId, access },
      ]),
    ]),
  });
  return {
    /** To be found as they are. */
    untouched: [...narrated.keys(), storyOf(MIMIC)],
    /** Overdue, and to be ended as soon as their locks are gone. */
    locked: LOCKED_IDS,
    /** To be narrated as far as the budget allows. */
    flood: flood.map(([id]) => id),
    budgets: USERS,
    voices: FORBIDDEN_VOICES,
  };
};

export const hostileUsers = (system: System, victim: Victim): readonly Draw[] => {
  const named = (path: string): string => nameOf(system, path);
  const byHand =
    (
      effect: string,
      calls: (own: string, other: string, random: Random, userId: string) => readonly HandCall[],
    ): Draw =>
    (random) => {
      const { userId, claims } = pick(USERS, random);
      const rest = restAs(system, userId, claims);
      const { method, path, body } = pick(
        calls(at(storyOf(userId)), at(victim(random)), random, userId),
        random,
      );
      return {
        effect: `${effect}: ${method} ${path}`,
        // 409: beside a transaction of the server, before the rules are asked.
        refusedWith: [403, 409],
        send: async () => (await rest(method, path, body)).status,
      };
    };
  const calling =
    (effect: string, refusedWith: readonly number[], dataOf: (random: Random) => object): Draw =>
    (random) => {
      const { userId, claims } = pick(USERS, random);
      const [data, name] = [dataOf(random), pick(OF_A_STORY, random)];
      const send = (): Promise<number> => system.call(name, data, userId, claims);
      return { effect: `${effect}: ${name} ${JSON.stringify(data).slice(0, 80)}`, refusedWith, send };
    };
  const stranger: Draw = (random) => ({
    effect: 'a stranger is let in',
    refusedWith: [401],
    send: () =>
      system.call(pick([...OF_A_STORY, functions.deleteMyData], random), { storyId: victim(random) }),
  });
  const deletion: Draw = () => ({
    effect: "another's data is deleted",
    // Its own is: there is none.
    refusedWith: [200],
    send: () => system.call(functions.deleteMyData, { userId: 'reader-0-0' }, 'eve'),
  });
  const flood: Draw = (random) => {
    const { userId, claims } = pick(USERS, random);
    const ask = (): Promise<number> => {
      const data = { storyId: floodOf(userId, random.between(0, FLOOD - 1)), priority: 'high' };
      return system.call(functions.request, data, userId, claims);
    };
    return {
      effect: `a flood by ${userId} breaks the function`,
      // What is granted is counted in the end.
      refusedWith: [200],
      send: async () => Math.max(...(await Promise.all(Array.from({ length: FLOOD_AT_ONCE }, ask)))),
    };
  };
  const forbidden: Draw = (random) => ({
    effect: "a story is spoken in another's voice",
    refusedWith: [400],
    send: () =>
      system.call(
        functions.request,
        { storyId: storyOf(MIMIC), voiceId: pick(FORBIDDEN_VOICES, random) },
        MIMIC,
      ),
  });
  return [
    byHand('an own story is ready', (own, _, random) =>
      writesOfField(pick(SERVER_FIELDS, random), own, named),
    ),
    byHand("another's story is changed", (_, other, random) =>
      writesOfField(pick(SERVER_FIELDS, random), other, named),
    ),
    byHand('an own story is ready', (own) => writesByOtherPaths(own, named)),
    byHand("another's story is changed", (_, other) => writesByOtherPaths(other, named)),
    byHand("another's story is read", (own, other) => readsOfOthers(other, own)),
    byHand('an id is taken that others would choose', (_own, _other, random, userId) => [
      creationOf(named(at(pick(FOREIGN_IDS, random))), { userId, title: 'T', text: 'Once.' }),
    ]),
    byHand('what only the server keeps is read or changed', (_own, _other, random) => [
      { method: pick(['GET', 'DELETE'], random), path: `/${pick(SERVER_DOCUMENTS, random)}` },
      { method: 'PATCH', path: `/${pick(SERVER_DOCUMENTS, random)}`, body: { fields: {} } },
    ]),
    calling("another's story is narrated or deleted", [404], (random) => ({
      storyId: victim(random),
      priority: 'high',
    })),
    calling('what is no story is queued', [400], (random) => ({ storyId: pick(ODD_IDS, random) })),
    stranger,
    forbidden,
    deletion,
    flood,
  ];
};

/**
 * A worker reports a cloned voice, and a stranger looks for it and asks for it; a user asks for more narrations than
 * a day has room for. Whatever is drawn later, both are tried once. @returns what is wrong, a sentence each
 */
export const tryVoiceAndBudget = async (system: System): Promise<readonly string[]> => {
  const { receiverUrl, secrets } = system;
  const voices = [
    { id: 'stock1', name: 'Rachel', is_private: false },
    { id: CLONED_VOICE, name: 'Ada herself', is_private: true },
  ];
  const engine = { name: 'elevenlabs', state: 'ready', languages: ['en'], clones_voices: true, voices };
  const body = Buffer.from(JSON.stringify({ worker_id: 'cloner', engines: [engine] }));
  const rest = restAs(system, 'oscar', ANONYMOUS);
  let menu = '';
  // As workers do: what was not kept, or not shown, comes with the next heartbeat.
  for (let beat = 0; beat < 20 && !menu.includes('stock1'); beat += 1) {
    const message = { id: `cloner-${beat}`, timestampSeconds: Date.now() / 1000, body };
    const headers = { 'content-type': 'application/json', ...signStandard(message, [secrets.standard]) };
    await fetch(`${receiverUrl}/api/tts/heartbeat`, { method: 'POST', headers, body });
    menu = JSON.stringify((await rest('GET', `/${documents.voiceMenu}`)).body);
  }
  const entry = await rest('GET', `/${collections.voices}/elevenlabs:${CLONED_VOICE}`);
  const spoken = await system.call(
    functions.request,
    { storyId: storyOf(MIMIC), voiceId: CLONED_VOICE },
    MIMIC,
  );
  const statuses: number[] = [];
  for (let from = 0; from < FLOOD; from += FLOOD_AT_ONCE) {
    const ask = (_: unknown, index: number): Promise<number> =>
      system.call(functions.request, { storyId: floodOf('mallory', from + index) }, 'mallory');
    statuses.push(...(await Promise.all(Array.from({ length: FLOOD_AT_ONCE }, ask))));
  }
  return [
    ...(menu.includes('stock1') ? [] : ['a built-in voice is not in the menu']),
    ...(menu.includes(CLONED_VOICE) ? ['a cloned voice is in the menu'] : []),
    ...(entry.status === 403 ? [] : [`the entry of a cloned voice was answered ${entry.status}`]),
    ...([400, 503].includes(spoken) ? [] : [`a request for a cloned voice was answered ${spoken}`]),
    ...(statuses.includes(200) && statuses.includes(429) ? [] : [`a flood was answered ${statuses.join()}`]),
  ];
};

/**
 * Holds read locks on all stories of the locker, in one transaction after another that begins before the one before
 * has ended, until it is over. @returns how many held them
 */
export const holdLocks = async (system: System, random: Random, isOver: () => boolean): Promise<number> => {
  const rest = restAs(system, LOCKER);
  const documents = LOCKED_IDS.map((id) => nameOf(system, at(id)));
  let held = 0;
  let last: unknown;
  while (!isOver()) {
    const begun = await rest('POST', ':beginTransaction', { options: { readWrite: {} } });
    const { transaction } = begun.body as { readonly transaction?: string };
    const read = await rest('POST', ':batchGet', { documents, transaction });
    if (read.status === 200) held += 1;
    if (last !== undefined) await rest('POST', ':rollback', { transaction: last });
    last = transaction;
    await sleep(random.between(2_000, 8_000));
  }
  await rest('POST', ':rollback', { transaction: last });
  return held;
};
