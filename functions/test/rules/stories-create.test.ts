import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  type DocumentReference,
  deleteField,
  doc,
  type Firestore,
  getDoc,
  runTransaction,
  serverTimestamp,
  setDoc,
  Timestamp,
  updateDoc,
  writeBatch,
} from 'firebase/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIO_FIELDS, firestoreOf, openGuardedProject, plainStory, verdict } from './rules-environment.ts';

let project: RulesTestEnvironment;
let alice: Firestore;

beforeAll(async () => {
  project = await openGuardedProject();
  alice = firestoreOf(project, 'alice');
});
afterAll(() => project.cleanup());

const draft = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  userId: 'alice',
  title: 'A tale',
  text: 'Once upon a time.',
  language: 'en',
  voiceId: 'voice-1',
  voiceName: 'Ada',
  storyType: 'user',
  createdAt: serverTimestamp(),
  updatedAt: serverTimestamp(),
  ...over,
});

const creating = (fields: Record<string, unknown>, as = alice): Promise<'allowed' | 'denied'> =>
  verdict(setDoc(doc(collection(as, 'stories')), fields));

const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(draft()).filter(([field]) => field !== name));

describe('a new story', () => {
  it('is written by a person who signed in', async () => {
    const story = doc(collection(alice, 'stories'));
    await setDoc(story, draft());
    const written = (await getDoc(story)).data();
    expect(written).toMatchObject({ userId: 'alice', title: 'A tale' });
    expect(written?.['createdAt']).toEqual(written?.['updatedAt']);
  });

  it.each(['voiceId', 'voiceName'])('may do without %s', async (name) => {
    expect(await creating(without(name))).toBe('allowed');
  });

  it.each(['userId', 'title', 'text', 'language', 'storyType', 'createdAt', 'updatedAt'])(
    'must have %s',
    async (name) => {
      expect(await creating(without(name))).toBe('denied');
    },
  );

  it("is not written under another's id, or by a stranger", async () => {
    expect(await creating(draft({ userId: 'bob' }))).toBe('denied');
    expect(await creating(draft(), firestoreOf(project, 'bob'))).toBe('denied');
    expect(await creating(draft(), firestoreOf(project))).toBe('denied');
    expect(await creating(draft({ userId: null }), firestoreOf(project))).toBe('denied');
  });

  it.each(Object.entries(AUDIO_FIELDS))('has no %s of its own', async (name, value) => {
    expect(await creating(draft({ [name]: value }))).toBe('denied');
  });

  it.each(['extra', 'isAdmin', 'audio', 'AudioStatus', 'attempts', 'id'])('has no field %s', async (name) => {
    expect(await creating(draft({ [name]: 'x' }))).toBe('denied');
  });
});

describe('its id', () => {
  it.each([
    'health-probe',
    'story123',
    'a'.repeat(19),
    'a'.repeat(21),
    'a'.repeat(1_500),
    `${'a'.repeat(20)}\n`,
    `a\n${'a'.repeat(18)}`,
    'ä'.repeat(20),
    '0b1f6a3c-5a54-4a53-9d3e-0f7a4b1f6a3c',
  ])('is not %j', async (id) => {
    expect(await verdict(setDoc(doc(alice, 'stories', id), draft()))).toBe('denied');
  });

  it('may be any when the story is there already', async () => {
    await project.withSecurityRulesDisabled(async (context) => {
      await context.firestore().doc('stories/story123').set(plainStory('alice'));
    });
    const known = doc(alice, 'stories/story123');
    expect((await getDoc(known)).exists()).toBe(true);
    expect(await verdict(updateDoc(known, { title: 'B', updatedAt: serverTimestamp() }))).toBe('allowed');
  });
});

describe('the size of its fields', () => {
  it.each([
    ['title', 1],
    ['title', 300],
    ['text', 1],
    ['text', 200_000],
    ['language', 0],
    ['language', 35],
    ['storyType', 50],
    ['voiceId', 200],
    ['voiceName', 200],
  ])('%s may hold %i characters', async (name, length) => {
    expect(await creating(draft({ [name]: 'x'.repeat(length) }))).toBe('allowed');
  });

  it.each([
    ['title', 0],
    ['title', 301],
    ['text', 0],
    ['text', 200_001],
    ['language', 36],
    ['storyType', 51],
    ['voiceId', 201],
    ['voiceName', 201],
  ])('%s may not hold %i characters', async (name, length) => {
    expect(await creating(draft({ [name]: 'x'.repeat(length) }))).toBe('denied');
  });
});

describe('the type of its fields', () => {
  const names = ['userId', 'title', 'text', 'language', 'storyType', 'voiceId', 'voiceName'];
  const wrong = [null, 7, true, ['x'], { x: 1 }, Timestamp.now()];

  it.each(names)('%s is text and nothing else', async (name) => {
    for (const value of wrong) expect(await creating(draft({ [name]: value }))).toBe('denied');
  });

  it.each(['createdAt', 'updatedAt'])("%s is the server's time and no other", async (name) => {
    const times = [
      Timestamp.now(),
      Timestamp.fromMillis(0),
      Timestamp.fromMillis(4e12),
      '2027-01-01',
      0,
      null,
    ];
    for (const value of times) expect(await creating(draft({ [name]: value }))).toBe('denied');
  });
});

const story = (): DocumentReference => doc(collection(alice, 'stories'));

describe('other ways to write it', () => {
  it('a merge that begins a story is held to the same', async () => {
    expect(await verdict(setDoc(story(), draft(), { merge: true }))).toBe('allowed');
    expect(await verdict(setDoc(story(), draft({ audioUrl: 'https://x.test' }), { merge: true }))).toBe(
      'denied',
    );
    expect(await verdict(setDoc(story(), draft({ title: deleteField() }), { merge: true }))).toBe('denied');
  });

  it('a batch of permitted stories is written', async () => {
    const batch = writeBatch(alice).set(story(), draft()).set(story(), draft());
    expect(await verdict(batch.commit())).toBe('allowed');
  });

  it('one forbidden write in a batch takes the permitted ones with it', async () => {
    const permitted = story();
    const batch = writeBatch(alice)
      .set(permitted, draft())
      .set(story(), draft({ audioStatus: 'ready' }));
    expect(await verdict(batch.commit())).toBe('denied');
    await project.withSecurityRulesDisabled(async (context) => {
      expect((await context.firestore().doc(permitted.path).get()).exists).toBe(false);
    });
  });

  it('a batch does not write a story and then its audio', async () => {
    const one = story();
    const batch = writeBatch(alice).set(one, draft()).update(one, { audioStatus: 'ready' });
    expect(await verdict(batch.commit())).toBe('denied');
  });

  it('a batch does not write a story and an attempt of it', async () => {
    const one = story();
    const batch = writeBatch(alice)
      .set(one, draft())
      .set(doc(one, 'audioAttempts/job-1'), { status: 'ready' });
    expect(await verdict(batch.commit())).toBe('denied');
  });

  it('a transaction is held to the same', async () => {
    const begin = (fields: Record<string, unknown>): Promise<void> =>
      runTransaction(alice, async (transaction) => {
        transaction.set(story(), draft());
        transaction.set(story(), fields);
      });
    expect(await verdict(begin(draft()))).toBe('allowed');
    expect(await verdict(begin(draft({ userId: 'bob' })))).toBe('denied');
  });

  it('a story of someone else is not written over', async () => {
    const one = story();
    await setDoc(one, draft());
    const bobs = doc(firestoreOf(project, 'bob'), one.path);
    expect(await verdict(setDoc(bobs, draft({ userId: 'bob' })))).toBe('denied');
  });
});
