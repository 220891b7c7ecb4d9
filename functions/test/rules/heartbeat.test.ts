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
import { parseHeartbeat } from '@taleback/core';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHeartbeatStore } from '../../src/heartbeat/heartbeat-store.node.ts';
import { nameOf, restAs } from './rest-client.ts';
import { firestoreOf, openGuardedProject, seed, verdict } from './rules-environment.ts';

let project: RulesTestEnvironment;
beforeAll(async () => {
  project = await openGuardedProject();
  await seed(project, {
    'ttsVoices/menu': { engines: [{ name: 'flite', state: 'ready' }] },
    'ttsVoices/menu/notes/n': { a: 1 },
    'ttsVoices/other': { a: 1 },
    'ttsVoices/e:open': { voiceId: 'open', access: 'shared' },
    'ttsVoices/e:shut': { voiceId: 'shut', access: 'closed' },
    'ttsVoices/e:alices': { voiceId: 'alices', access: { owner: 'alice' } },
    'ttsVoices/e:odd': { voiceId: 'odd', access: { owner: ['alice'] } },
    'ttsWorkers/w1': { workerId: 'w1', state: 'ready' },
  });
});
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

it('a reader who locks the menu holds up the menu only, and it is written with the next heartbeat', async () => {
  const app = initializeApp({ projectId: project.projectId }, 'heartbeats');
  const firestore = getFirestore(app);
  // Half of it is the menu's.
  const { keep } = createHeartbeatStore(firestore, { timeoutMs: 3_000 });
  const engine = { name: 'kokoro', state: 'ready', languages: ['en'], voices: [] };
  const parsed = parseHeartbeat({ worker_id: 'w2', engines: [engine] });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const inMenu = async (): Promise<unknown> =>
    ((await firestore.doc('ttsVoices/menu').get()).get('engines') as { name: string }[]).find(
      ({ name }) => name === 'kokoro',
    );

  expect(await inMenu()).toBeUndefined();

  const rest = restAs(project, 'bob');
  const begun = await rest('POST', ':beginTransaction', { options: { readWrite: {} } });
  const { transaction } = begun.body as { readonly transaction: string };
  const documents = [nameOf(project, 'ttsVoices/menu')];
  expect((await rest('POST', ':batchGet', { documents, transaction })).status).toBe(200);
  expect(await keep(parsed.value, Date.now())).toMatchObject({ kind: 'kept', menuFault: expect.any(String) });
  expect((await firestore.doc('ttsWorkers/w2').get()).get('engines')).toMatchObject([{ name: 'kokoro' }]);
  expect(await inMenu()).toBeUndefined();

  await rest('POST', ':rollback', { transaction });
  expect(await keep(parsed.value, Date.now())).toEqual({ kind: 'kept', isNews: true, menuFault: undefined });
  expect(await inMenu()).toMatchObject({ state: 'ready' });
  await deleteApp(app);
});

describe('the register of voices', () => {
  it.each([
    ['alice', 'e:alices', 'allowed'],
    ['bob', 'e:alices', 'denied'],
    [undefined, 'e:alices', 'denied'],
    ['alice', 'e:shut', 'denied'],
    ['alice', 'e:open', 'denied'],
    ['alice', 'e:odd', 'denied'],
    ['alice', 'e:none', 'denied'],
  ] as const)('%s reads %s: %s', async (uid, id, expected) => {
    expect(await verdict(getDoc(doc(firestoreOf(project, uid), `ttsVoices/${id}`)))).toBe(expected);
  });

  it('lists to a reader the voices that are theirs, and answers no other query', async () => {
    const voices = collection(firestoreOf(project, 'alice'), 'ttsVoices');
    const own = await getDocs(query(voices, where('access.owner', '==', 'alice')));
    expect(own.docs.map(({ id }) => id)).toEqual(['e:alices']);
    for (const [field, value] of [
      ['access.owner', 'bob'],
      ['access', 'shared'],
      ['access', 'closed'],
      ['voiceId', 'alices'],
    ] as const)
      expect(await verdict(getDocs(query(voices, where(field, '==', value))))).toBe('denied');
  });

  it('is written by no one, the owner of a voice included', async () => {
    const voice = doc(firestoreOf(project, 'alice'), 'ttsVoices/e:alices');
    expect(await verdict(updateDoc(voice, { access: 'shared' }))).toBe('denied');
    expect(await verdict(deleteDoc(voice))).toBe('denied');
    const made = doc(firestoreOf(project, 'alice'), 'ttsVoices/e:made');
    expect(await verdict(setDoc(made, { access: { owner: 'alice' } }))).toBe('denied');
  });
});
