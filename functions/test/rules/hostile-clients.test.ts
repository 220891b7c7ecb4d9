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
import { nameOf, type RestCall, restAs } from './rest-client.ts';
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
}, 60_000);
afterAll(() => project.cleanup());

const text = (stringValue: string): object => ({ stringValue });
const now = { fieldPath: 'updatedAt', setToServerValue: 'REQUEST_TIME' };

/** A commit of one write by hand, with the server's time as the rules want it. */
const commit = (
  call: RestCall,
  path: string,
  fields: Record<string, object>,
  fieldPaths: readonly string[],
  transforms: readonly object[] = [],
) =>
  call('POST', ':commit', {
    writes: [
      {
        update: { name: nameOf(project, path), fields },
        updateMask: { fieldPaths },
        updateTransforms: [now, ...transforms],
      },
    ],
  });

/** The story of Alice, read past the rules. */
const storyOfAlice = async (): Promise<Record<string, unknown> | undefined> => {
  let fields: Record<string, unknown> | undefined;
  await project.withSecurityRulesDisabled(async (context) => {
    fields = (await context.firestore().doc('stories/of-alice').get()).data();
  });
  return fields;
};

const from = (collectionId: string, allDescendants = false) => ({
  from: [{ collectionId, allDescendants }],
});

describe('requests written by hand', () => {
  it('do what the page does: the harness itself lets the owner in', async () => {
    const answer = await commit(alice, 'stories/of-alice', { title: text('New') }, ['title']);
    expect(answer.status).toBe(200);
    expect(await storyOfAlice()).toMatchObject({ title: 'New' });
  });

  it.each(Object.keys(AUDIO_FIELDS))('do not write %s, however its path is spelled', async (name) => {
    const before = await storyOfAlice();
    const spellings: readonly [string, Record<string, object>][] = [
      [name, { [name]: text('x') }],
      [`\`${name}\``, { [name]: text('x') }],
      [`${name}.x`, { [name]: { mapValue: { fields: { x: text('y') } } } }],
      [`\`${name}\`.\`x\``, { [name]: { mapValue: { fields: { x: text('y') } } } }],
      [name, {}],
    ];
    for (const [fieldPath, fields] of spellings) {
      const masked = await commit(alice, 'stories/of-alice', { title: text('T'), ...fields }, [
        'title',
        fieldPath,
      ]);
      expect(masked.status, fieldPath).toBe(403);
    }
    const transforms = [
      { fieldPath: name, setToServerValue: 'REQUEST_TIME' },
      { fieldPath: name, increment: { integerValue: '1' } },
      { fieldPath: `\`${name}\``, appendMissingElements: { values: [text('x')] } },
    ];
    for (const transform of transforms) {
      const answer = await commit(alice, 'stories/of-alice', { title: text('T') }, ['title'], [transform]);
      expect(answer.status).toBe(403);
    }
    expect(await storyOfAlice()).toEqual(before);
  });

  it('do not write through the other doors', async () => {
    const before = await storyOfAlice();
    const update = {
      update: {
        name: nameOf(project, 'stories/of-alice'),
        fields: { audioStatus: text('ready'), audioUrl: text('https://evil.example') },
      },
      updateMask: { fieldPaths: ['audioStatus', 'audioUrl'] },
    };
    const whole = { update: update.update };
    const gone = { delete: nameOf(project, 'stories/of-alice') };
    const path = '/stories/of-alice?updateMask.fieldPaths=audioStatus';
    const answers = [
      await alice('PATCH', path, update.update),
      await alice('PATCH', '/stories/of-alice?updateMask.fieldPaths=%60audioStatus%60', update.update),
      await alice('PATCH', '/stories/of-alice', update.update),
      await alice('DELETE', '/stories/of-alice'),
      await alice('POST', '/stories?documentId=made', { fields: update.update.fields }),
      await alice('POST', '/stories/of-alice/audioAttempts?documentId=made', { fields: {} }),
      await alice('POST', ':commit', { writes: [update] }),
      await alice('POST', ':commit', { writes: [whole] }),
      await alice('POST', ':commit', { writes: [gone] }),
      await alice('POST', ':batchWrite', { writes: [update] }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    expect(await storyOfAlice()).toEqual(before);
  });

  it("do not read another's, in one document, many, or a number of them", async () => {
    const structuredQuery = from('stories');
    const count = { structuredQuery, aggregations: [{ alias: 'n', count: {} }] };
    const answers = [
      await alice('GET', '/stories/of-bob'),
      await alice('GET', '/stories/of-bob?mask.fieldPaths=title'),
      await alice('GET', '/stories/of-bob/audioAttempts/j'),
      await alice('GET', '/stories/of-bob/audioAttempts'),
      await alice('GET', '/stories?showMissing=true&mask.fieldPaths=_'),
      await alice('POST', ':runQuery', { structuredQuery }),
      await alice('POST', ':runQuery', { structuredQuery: from('stories', true) }),
      await alice('POST', ':runQuery', { structuredQuery: from('audioAttempts', true) }),
      await alice('POST', ':runAggregationQuery', { structuredAggregationQuery: count }),
      await alice('POST', '/stories/of-bob:runQuery', { structuredQuery: from('audioAttempts') }),
      await alice('POST', ':listCollectionIds', {}),
      await alice('POST', '/stories/of-alice:listCollectionIds', {}),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
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
