import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import { collection, deleteDoc, doc, getDoc, getDocs, setDoc, updateDoc } from 'firebase/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firestoreOf, openGuardedProject, seed, verdict } from './rules-environment.ts';

let project: RulesTestEnvironment;
beforeAll(async () => {
  project = await openGuardedProject();
  await seed(project, {
    'ttsVoices/menu': { engines: [{ name: 'flite', state: 'ready' }] },
    'ttsVoices/menu/notes/n': { a: 1 },
    'ttsVoices/other': { a: 1 },
    'ttsWorkers/w1': { workerId: 'w1', state: 'ready' },
  });
}, 60_000);
afterAll(() => project.cleanup());

describe('the menu of engines and voices', () => {
  it.each(['alice', 'bob'])('is read by %s, who is signed in', async (uid) => {
    const menu = await getDoc(doc(firestoreOf(project, uid), 'ttsVoices/menu'));
    expect(menu.data()).toMatchObject({ engines: [{ state: 'ready' }] });
  });

  it('is closed to those who are not signed in', async () => {
    expect(await verdict(getDoc(doc(firestoreOf(project), 'ttsVoices/menu')))).toBe('denied');
  });

  it.each(['alice', undefined])('is not written by %s', async (uid) => {
    const menu = doc(firestoreOf(project, uid), 'ttsVoices/menu');
    expect(await verdict(setDoc(menu, { engines: [] }))).toBe('denied');
    expect(await verdict(setDoc(doc(firestoreOf(project, uid), 'ttsVoices/mine'), { a: 1 }))).toBe('denied');
    expect(await verdict(updateDoc(menu, { engines: [] }))).toBe('denied');
    expect(await verdict(deleteDoc(menu))).toBe('denied');
  });

  it('opens nothing beneath or beside it', async () => {
    const firestore = firestoreOf(project, 'alice');
    for (const path of ['ttsVoices/menu/notes/n', 'ttsVoices/other', 'ttsWorkers/w1'])
      expect(await verdict(getDoc(doc(firestore, path)))).toBe('denied');
    for (const name of ['ttsVoices', 'ttsWorkers'])
      expect(await verdict(getDocs(collection(firestore, name)))).toBe('denied');
  });
});
