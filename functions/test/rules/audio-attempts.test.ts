import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  collectionGroup,
  deleteDoc,
  doc,
  type Firestore,
  getDoc,
  getDocs,
  limit,
  orderBy,
  query,
  setDoc,
  updateDoc,
  where,
} from 'firebase/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firestoreOf, openGuardedProject, plainStory, seed, verdict } from './rules-environment.ts';

let project: RulesTestEnvironment;
let alice: Firestore;
let bob: Firestore;
let stranger: Firestore;

beforeAll(async () => {
  project = await openGuardedProject();
  [alice, bob, stranger] = [firestoreOf(project, 'alice'), firestoreOf(project, 'bob'), firestoreOf(project)];
  await seed(project, {
    'stories/of-alice': plainStory('alice'),
    'stories/of-alice/audioAttempts/job-1': { number: 1, status: 'failed', requestedBy: 'alice' },
    'stories/of-alice/audioAttempts/job-2': { number: 2, status: 'ready', requestedBy: 'alice' },
    'stories/of-bob': plainStory('bob'),
    'stories/of-bob/audioAttempts/job-3': {
      number: 1,
      status: 'ready',
      requestedBy: 'alice',
      userId: 'alice',
    },
    'stories/gone/audioAttempts/job-4': { number: 1, status: 'ready', requestedBy: 'alice' },
    'stories/of-nobody': { title: 'Old' },
    'stories/of-nobody/audioAttempts/job-5': { number: 1, status: 'ready' },
    'stories/of-alice/audioAttempts/job-1/notes/n': { userId: 'alice' },
    'stories/of-alice/drafts/d': { userId: 'alice' },
    'elsewhere/x/audioAttempts/job-6': { userId: 'alice' },
  });
});
afterAll(() => project.cleanup());

const ATTEMPT = 'stories/of-alice/audioAttempts/job-1';

describe("a story's attempts", () => {
  it('are read by its owner, one and all', async () => {
    expect((await getDoc(doc(alice, ATTEMPT))).data()).toMatchObject({ number: 1 });
    const attempts = collection(alice, 'stories/of-alice/audioAttempts');
    expect((await getDocs(query(attempts, limit(100)))).size).toBe(2);
    expect((await getDocs(query(attempts, orderBy('number', 'desc'), limit(1)))).docs[0]?.id).toBe('job-2');
  });

  it('that are not there yet are nothing to hide from the owner', async () => {
    expect((await getDoc(doc(alice, 'stories/of-alice/audioAttempts/not-yet'))).exists()).toBe(false);
  });

  it('are read by no one else', async () => {
    for (const as of [bob, stranger]) {
      expect(await verdict(getDoc(doc(as, ATTEMPT)))).toBe('denied');
      expect(await verdict(getDocs(collection(as, 'stories/of-alice/audioAttempts')))).toBe('denied');
    }
  });

  it("belong to the story's owner, whatever they say themselves", async () => {
    expect(await verdict(getDoc(doc(alice, 'stories/of-bob/audioAttempts/job-3')))).toBe('denied');
    const named = query(
      collection(alice, 'stories/of-bob/audioAttempts'),
      where('requestedBy', '==', 'alice'),
    );
    expect(await verdict(getDocs(named))).toBe('denied');
    expect(await verdict(getDoc(doc(bob, 'stories/of-bob/audioAttempts/job-3')))).toBe('allowed');
  });

  it('of a story that is gone, or that has no owner, are closed', async () => {
    expect(await verdict(getDoc(doc(alice, 'stories/gone/audioAttempts/job-4')))).toBe('denied');
    expect(await verdict(getDocs(collection(alice, 'stories/gone/audioAttempts')))).toBe('denied');
    expect(await verdict(getDoc(doc(alice, 'stories/of-nobody/audioAttempts/job-5')))).toBe('denied');
    expect(await verdict(getDoc(doc(stranger, 'stories/of-nobody/audioAttempts/job-5')))).toBe('denied');
  });

  it('are not read across stories', async () => {
    expect(await verdict(getDocs(collectionGroup(alice, 'audioAttempts')))).toBe('denied');
    const own = query(collectionGroup(alice, 'audioAttempts'), where('requestedBy', '==', 'alice'));
    expect(await verdict(getDocs(own))).toBe('denied');
  });

  it('are written by no one', async () => {
    for (const as of [alice, bob, stranger]) {
      expect(
        await verdict(setDoc(doc(as, 'stories/of-alice/audioAttempts/job-9'), { status: 'ready' })),
      ).toBe('denied');
      expect(await verdict(setDoc(doc(as, ATTEMPT), { status: 'ready' }, { merge: true }))).toBe('denied');
      expect(await verdict(updateDoc(doc(as, ATTEMPT), { status: 'ready' }))).toBe('denied');
      expect(await verdict(deleteDoc(doc(as, ATTEMPT)))).toBe('denied');
    }
  });
});

describe('what else stands below a story', () => {
  it.each(['stories/of-alice/drafts/d', `${ATTEMPT}/notes/n`, 'elsewhere/x/audioAttempts/job-6'])(
    '%s is closed, even to the owner',
    async (path) => {
      const one = doc(alice, path);
      expect(await verdict(getDoc(one))).toBe('denied');
      expect(await verdict(getDocs(one.parent))).toBe('denied');
      expect(await verdict(setDoc(one, { userId: 'alice' }))).toBe('denied');
      expect(await verdict(deleteDoc(one))).toBe('denied');
    },
  );
});
