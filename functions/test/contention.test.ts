import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { afterAll, expect, it, vi } from 'vitest';
import { createFirestoreCalls, TimedOut } from '../src/stories/firestore-calls.node.ts';

const projectId = `demo-${randomUUID().slice(0, 13)}`;
const app = initializeApp({ projectId }, projectId);
const firestore = getFirestore(app);
const story = firestore.doc('stories/s1');
afterAll(() => deleteApp(app));

/** Holds a read lock on the story until it is let go. */
const holdStory = async (): Promise<() => Promise<void>> => {
  const holding = new AbortController();
  let ended: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve) => {
    ended = firestore.runTransaction(async (transaction) => {
      await transaction.get(story);
      resolve();
      await once(holding.signal, 'abort');
    });
  });
  return async () => {
    holding.abort();
    await ended;
  };
};

it('a transaction that no one waits for any more is not tried again', async () => {
  await story.set({ title: 'Before' });
  const { transact } = createFirestoreCalls(firestore, { timeoutMs: 500 });
  const letGo = await holdStory();
  let tries = 0;
  const rename = (): ReturnType<typeof transact> =>
    transact(async (transaction) => {
      tries += 1;
      await transaction.get(story);
      transaction.update(story, { title: 'After' });
    });
  const transactions = vi.spyOn(firestore, 'runTransaction');
  expect(await rename()).toMatchObject({ kind: 'store-away' });
  // It ends when the client would try again, while the story is still held.
  await expect(transactions.mock.results[0]?.value).rejects.toThrow(TimedOut);
  expect(tries).toBe(1);
  await letGo();
  expect(await rename()).toBeUndefined();
  expect((await story.get()).get('title')).toBe('After');
});

it('a transaction that someone waits for is tried again after a conflict', async () => {
  await story.set({ title: 'Before' });
  const { transact } = createFirestoreCalls(firestore, { timeoutMs: 20_000 });
  const letGo = await holdStory();
  let tries = 0;
  const renamed = transact(async (transaction) => {
    tries += 1;
    await transaction.get(story);
    transaction.update(story, { title: 'After' });
    if (tries === 2) await letGo();
  });
  expect(await renamed).toBeUndefined();
  expect(tries).toBe(2);
  expect((await story.get()).get('title')).toBe('After');
});
