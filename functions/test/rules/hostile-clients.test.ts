import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  collectionGroup,
  doc,
  type Firestore,
  getCountFromServer,
  getDoc,
  getDocs,
  query,
  runTransaction,
  serverTimestamp,
  setDoc,
  updateDoc,
  where,
  writeBatch,
} from 'firebase/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  commitOf,
  type HandCall,
  readsOfOthers,
  writesByOtherPaths,
  writesOfField,
} from './hostile-calls.ts';
import { nameOf, type RestAnswer, type RestCall, restAs } from './rest-client.ts';
import { AUDIO_FIELDS, openGuardedProject, plainStory, seed, verdict } from './rules-environment.ts';

const OPERATORS = [
  'ttsWorkers/w',
  'ttsOwedEvents/e',
  'ttsStats/2027-01-15',
  'ttsStats/d/shards/1',
  'ttsAlerts/a',
  'mail/m',
  'x/y',
];

let project: RulesTestEnvironment;
let alice: RestCall;

beforeAll(async () => {
  project = await openGuardedProject();
  alice = restAs(project, 'alice');
  await seed(project, {
    'stories/of-alice': { ...plainStory('alice'), ...AUDIO_FIELDS },
    'stories/of-bob': plainStory('bob'),
    'stories/of-bob/audioAttempts/j': { number: 1, status: 'ready', requestedBy: 'alice', userId: 'alice' },
    ...Object.fromEntries(OPERATORS.map((path) => [path, { userId: 'alice', requestedBy: 'alice' }])),
  });
});
afterAll(() => project.cleanup());

const named = (path: string): string => nameOf(project, path);

/** What Alice is answered to each call. */
const statusesOf = async (calls: readonly HandCall[]): Promise<number[]> => {
  const statuses: number[] = [];
  for (const { method, path, body } of calls) statuses.push((await alice(method, path, body)).status);
  return statuses;
};
const allRefused = (calls: readonly HandCall[]): number[] => calls.map(() => 403);

/** The story of Alice, read past the rules. */
const storyOfAlice = async (): Promise<Record<string, unknown> | undefined> => {
  let fields: Record<string, unknown> | undefined;
  await project.withSecurityRulesDisabled(async (context) => {
    fields = (await context.firestore().doc('stories/of-alice').get()).data();
  });
  return fields;
};

describe('requests written by hand', () => {
  it('do what the page does: the harness itself lets the owner in', async () => {
    const title = { title: { stringValue: 'New' } };
    expect(await statusesOf([commitOf(named('stories/of-alice'), title, ['title'])])).toEqual([200]);
    expect(await storyOfAlice()).toMatchObject({ title: 'New' });
  });

  it.each(Object.keys(AUDIO_FIELDS))('do not write %s, however its path is spelled', async (field) => {
    const before = await storyOfAlice();
    const calls = writesOfField(field, 'stories/of-alice', named);
    expect(await statusesOf(calls)).toEqual(allRefused(calls));
    expect(await storyOfAlice()).toEqual(before);
  });

  it('do not write through the other doors', async () => {
    const before = await storyOfAlice();
    const calls = writesByOtherPaths('stories/of-alice', named);
    expect(await statusesOf(calls)).toEqual(allRefused(calls));
    expect(await storyOfAlice()).toEqual(before);
  });

  it("do not read another's, in one document, many, or a number of them", async () => {
    const answers: RestAnswer[] = [];
    const calls = readsOfOthers('stories/of-bob', 'stories/of-alice');
    for (const { method, path, body } of calls) answers.push(await alice(method, path, body));
    expect(answers.map(({ status }) => status)).toEqual(allRefused(calls));
    expect(JSON.stringify(answers)).not.toContain('Once upon a time');
    const several = await alice('POST', ':batchGet', {
      documents: [nameOf(project, 'stories/of-alice'), nameOf(project, 'stories/of-bob')],
    });
    expect(JSON.stringify(several.body)).toContain('PERMISSION_DENIED');
    expect(JSON.stringify(several.body)).not.toContain('"bob"');
  });
});

/** People of every kind, none of them more than a person. */
const PEOPLE: readonly [string, string | undefined, Record<string, unknown>][] = [
  ['somebody who is not signed in', undefined, {}],
  ['an anonymous user', 'visitor', { firebase: { sign_in_provider: 'anonymous' } }],
  ['a user of a custom token', 'carol', { firebase: { sign_in_provider: 'custom' } }],
  [
    'a custom token that claims everything',
    'mallory',
    { admin: true, role: 'owner', userId: 'bob', email: 'bob@h.test', email_verified: true },
  ],
];

/** What became of each operation, when it was not refused. */
const allowedOf = async (operations: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.all(operations.map(verdict))).filter((one) => one !== 'denied');

describe.each(PEOPLE)('%s', (_, uid, claims) => {
  let firestore: Firestore;
  beforeAll(() => {
    const context =
      uid === undefined ? project.unauthenticatedContext() : project.authenticatedContext(uid, claims);
    firestore = context.firestore() as unknown as Firestore;
  });

  it("reads no one else's", async () => {
    const bobs = query(collection(firestore, 'stories'), where('userId', '==', 'bob'));
    const operations = [
      getDoc(doc(firestore, 'stories/of-bob')),
      getDoc(doc(firestore, 'stories/of-bob/audioAttempts/j')),
      getDocs(bobs),
      getCountFromServer(bobs),
      getDocs(collection(firestore, 'stories')),
      getDocs(collectionGroup(firestore, 'audioAttempts')),
      getDocs(query(collectionGroup(firestore, 'audioAttempts'), where('requestedBy', '==', uid ?? 'alice'))),
      getDocs(collectionGroup(firestore, 'shards')),
    ];
    expect(await allowedOf(operations)).toEqual([]);
  });

  it("writes no one else's, and no audio", async () => {
    const bobs = doc(firestore, 'stories/of-bob');
    const operations = [
      setDoc(bobs, { ...plainStory(uid ?? 'x'), updatedAt: serverTimestamp() }),
      updateDoc(bobs, { title: 'T', updatedAt: serverTimestamp() }),
      updateDoc(bobs, { ...AUDIO_FIELDS }),
      writeBatch(firestore).update(bobs, { title: 'T' }).delete(bobs).commit(),
      runTransaction(firestore, async (transaction) => {
        transaction.set(doc(firestore, 'stories/of-bob/audioAttempts/j'), { status: 'ready' });
      }),
    ];
    expect(await allowedOf(operations)).toEqual([]);
  });

  it.each(OPERATORS)('has no business in %s', async (path) => {
    const one = doc(firestore, path);
    const operations = [
      getDoc(one),
      getDocs(one.parent),
      getDocs(query(one.parent, where('userId', '==', uid ?? 'alice'))),
      getCountFromServer(one.parent),
      setDoc(one, { userId: uid ?? null }),
      updateDoc(one, { userId: uid ?? null }),
      writeBatch(firestore).delete(one).commit(),
      runTransaction(firestore, async (transaction) => transaction.get(one)),
    ];
    expect(await allowedOf(operations)).toEqual([]);
  });
});
