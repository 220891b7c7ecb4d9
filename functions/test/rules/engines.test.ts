import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  deleteDoc,
  doc,
  getDoc,
  getDocs,
  limit,
  query,
  setDoc,
  updateDoc,
} from 'firebase/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firestoreOf, openGuardedProject, seed, verdict } from './rules-environment.ts';

let project: RulesTestEnvironment;
beforeAll(async () => {
  project = await openGuardedProject();
  await seed(project, {
    'ttsEngines/flite': { name: 'flite', state: 'ready' },
    'ttsEngines/flite/notes/n': { a: 1 },
    'ttsWorkers/w1': { workerId: 'w1', state: 'ready' },
  });
}, 60_000);
afterAll(() => project.cleanup());

describe('the engines', () => {
  it('are read by whoever is signed in, one and all', async () => {
    for (const uid of ['alice', 'bob']) {
      const firestore = firestoreOf(project, uid);
      expect((await getDoc(doc(firestore, 'ttsEngines/flite'))).data()).toMatchObject({ state: 'ready' });
      expect((await getDocs(query(collection(firestore, 'ttsEngines'), limit(50)))).size).toBe(1);
      expect((await getDoc(doc(firestore, 'ttsEngines/none'))).exists()).toBe(false);
    }
  });

  it('are closed to who is not signed in', async () => {
    const firestore = firestoreOf(project);
    expect(await verdict(getDoc(doc(firestore, 'ttsEngines/flite')))).toBe('denied');
    expect(await verdict(getDocs(collection(firestore, 'ttsEngines')))).toBe('denied');
  });

  it.each(['alice', undefined])('are not written by %s', async (uid) => {
    const firestore = firestoreOf(project, uid);
    const one = doc(firestore, 'ttsEngines/flite');
    expect(await verdict(setDoc(one, { state: 'unavailable' }))).toBe('denied');
    expect(await verdict(setDoc(doc(firestore, 'ttsEngines/mine'), { state: 'ready' }))).toBe('denied');
    expect(await verdict(updateDoc(one, { state: 'unavailable' }))).toBe('denied');
    expect(await verdict(deleteDoc(one))).toBe('denied');
  });

  it('open nothing beneath or beside them', async () => {
    const firestore = firestoreOf(project, 'alice');
    expect(await verdict(getDoc(doc(firestore, 'ttsEngines/flite/notes/n')))).toBe('denied');
    expect(await verdict(getDoc(doc(firestore, 'ttsWorkers/w1')))).toBe('denied');
    expect(await verdict(getDocs(collection(firestore, 'ttsWorkers')))).toBe('denied');
  });
});
