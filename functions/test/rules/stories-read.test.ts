import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  collectionGroup,
  doc,
  type Firestore,
  getCountFromServer,
  getDoc,
  getDocs,
  limit,
  onSnapshot,
  orderBy,
  type Query,
  query,
  where,
} from 'firebase/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIO_FIELDS,
  firestoreOf,
  openGuardedProject,
  plainStory,
  seed,
  verdict,
} from './rules-environment.ts';

let project: RulesTestEnvironment;
let alice: Firestore;
let bob: Firestore;
let stranger: Firestore;

beforeAll(async () => {
  project = await openGuardedProject();
  [alice, bob, stranger] = [firestoreOf(project, 'alice'), firestoreOf(project, 'bob'), firestoreOf(project)];
  await seed(project, {
    'stories/of-alice': { ...plainStory('alice'), ...AUDIO_FIELDS },
    'stories/of-bob': plainStory('bob'),
    'stories/of-nobody': { title: 'Old', text: 'Written before stories had owners.' },
    'stories/of-null': { ...plainStory('alice'), userId: null },
  });
});
afterAll(() => project.cleanup());

const storiesOf = (firestore: Firestore, uid: string): Query =>
  query(collection(firestore, 'stories'), where('userId', '==', uid));

/** The first answer of a listener, as the page has it. */
const watched = (source: Query): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const stop = onSnapshot(
      source,
      (answer) => {
        stop();
        resolve(answer);
      },
      reject,
    );
  });

describe('one story', () => {
  it('is read by its owner, audio and all', async () => {
    const story = await getDoc(doc(alice, 'stories/of-alice'));
    expect(story.data()).toMatchObject({ userId: 'alice', audioStatus: 'ready' });
  });

  it('is read by no one else', async () => {
    expect(await verdict(getDoc(doc(bob, 'stories/of-alice')))).toBe('denied');
    expect(await verdict(getDoc(doc(stranger, 'stories/of-alice')))).toBe('denied');
  });

  it('without an owner is read by no one', async () => {
    for (const path of ['stories/of-nobody', 'stories/of-null', 'stories/of-none-at-all']) {
      expect(await verdict(getDoc(doc(alice, path)))).toBe('denied');
      expect(await verdict(getDoc(doc(stranger, path)))).toBe('denied');
    }
  });
});

describe('a list of stories', () => {
  it('is read by the owner who asks for the own ones, newest first', async () => {
    const answer = await getDocs(query(storiesOf(alice, 'alice'), orderBy('createdAt', 'desc'), limit(200)));
    expect(answer.docs.map((story) => story.id)).toEqual(['of-alice']);
  });

  it('can be watched and counted by its owner', async () => {
    expect(await verdict(watched(storiesOf(alice, 'alice')))).toBe('allowed');
    expect((await getCountFromServer(storiesOf(alice, 'alice'))).data().count).toBe(1);
  });

  it("is not read under another's id", async () => {
    expect(await verdict(getDocs(storiesOf(bob, 'alice')))).toBe('denied');
    expect(await verdict(getDocs(storiesOf(stranger, 'alice')))).toBe('denied');
    expect(await verdict(watched(storiesOf(bob, 'alice')))).toBe('denied');
    expect(await verdict(getCountFromServer(storiesOf(bob, 'alice')))).toBe('denied');
  });

  it('is not read without asking for an owner', async () => {
    const stories = collection(alice, 'stories');
    expect(await verdict(getDocs(stories))).toBe('denied');
    expect(await verdict(getDocs(query(stories, limit(1))))).toBe('denied');
    expect(await verdict(getDocs(query(stories, where('title', '==', 'A tale'))))).toBe('denied');
    expect(await verdict(getDocs(query(stories, where('userId', 'in', ['alice', 'bob']))))).toBe('denied');
    expect(await verdict(getDocs(query(stories, where('userId', '!=', 'bob'))))).toBe('denied');
    expect(await verdict(getDocs(query(stories, where('userId', '>=', 'alice'))))).toBe('denied');
    expect(await verdict(getDocs(query(stories, where('userId', '==', null))))).toBe('denied');
  });

  it('is not read across collections', async () => {
    const everywhere = query(collectionGroup(alice, 'stories'), where('userId', '==', 'alice'));
    expect(await verdict(getDocs(everywhere))).toBe('denied');
  });
});
