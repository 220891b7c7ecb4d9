import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  deleteDoc,
  doc,
  getDoc,
  getDocs,
  query,
  setDoc,
  updateDoc,
  where,
} from 'firebase/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firestoreOf, openGuardedProject, seed, verdict } from './rules-environment.ts';

/** Collections of the server, and one that nobody thought of. */
const CLOSED = [
  'ttsWorkers/worker-1',
  'ttsOwedEvents/event-1',
  'ttsSweeps/round',
  'ttsReplays/request-1',
  'ttsRunpodTurns/user-1',
  'ttsUsage/alice',
  'ttsDeletions/deletion-1',
  'ttsStats/2027-01-15',
  'ttsStats/2027-01-15/shards/3',
  'ttsAlerts/alert-1',
  'mail/mail-1',
  'users/alice',
  'anything/at-all',
  'Stories/of-alice',
  'anything/at-all/stories/of-alice',
];

let project: RulesTestEnvironment;
beforeAll(async () => {
  project = await openGuardedProject();
  await seed(project, Object.fromEntries(CLOSED.map((path) => [path, { userId: 'alice' }])));
});
afterAll(() => project.cleanup());

describe.each(CLOSED)('%s', (path) => {
  it.each(['alice', undefined])('is closed to %s', async (uid) => {
    const one = doc(firestoreOf(project, uid), path);
    expect(await verdict(getDoc(one))).toBe('denied');
    expect(await verdict(getDocs(collection(one.firestore, one.parent.path)))).toBe('denied');
    expect(await verdict(getDocs(query(one.parent, where('userId', '==', 'alice'))))).toBe('denied');
    expect(await verdict(setDoc(one, { userId: 'alice' }))).toBe('denied');
    expect(await verdict(setDoc(doc(one.parent), { userId: 'alice' }))).toBe('denied');
    expect(await verdict(updateDoc(one, { userId: 'alice' }))).toBe('denied');
    expect(await verdict(deleteDoc(one))).toBe('denied');
  });
});

describe('the server', () => {
  it('reads and writes past the rules', async () => {
    await project.withSecurityRulesDisabled(async (context) => {
      const found = await context.firestore().doc('ttsWorkers/worker-1').get();
      expect(found.exists).toBe(true);
    });
  });
});
