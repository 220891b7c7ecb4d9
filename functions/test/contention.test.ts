import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { decide, type StoryMessage } from '@taleback/core';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore, type Transaction } from 'firebase-admin/firestore';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createFirestoreCalls, TimedOut } from '../src/stories/firestore-calls.node.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';

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
  const rename = (within = transact): ReturnType<typeof transact> =>
    within(async (transaction) => {
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
  expect(await rename(createFirestoreCalls(firestore, { timeoutMs: 120_000 }).transact)).toBeUndefined();
  expect((await story.get()).get('title')).toBe('After');
});

it('a transaction whose caller has timed out is not committed', async () => {
  await story.set({ title: 'Before' });
  const { transact } = createFirestoreCalls(firestore, { timeoutMs: 500 });
  const transactions = vi.spyOn(firestore, 'runTransaction');
  const late = Promise.withResolvers<void>();
  const renamed = transact(async (transaction) => {
    transaction.update(story, { title: 'Late' });
    await late.promise;
  });
  expect(await renamed).toMatchObject({ kind: 'store-away' });
  late.resolve();
  await expect(transactions.mock.results.at(-1)?.value).rejects.toThrow(TimedOut);
  expect((await story.get()).get('title')).toBe('Before');
});

it('a transaction that someone waits for is tried again after a conflict', async () => {
  await story.set({ title: 'Before' });
  const { transact } = createFirestoreCalls(firestore, { timeoutMs: 120_000 });
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

describe('a message under an id that no attempt has yet', () => {
  const stories = createFirestoreStories(firestore, { timeoutMs: 120_000 });
  const context = { source: 'callback', nowMs: Date.now(), leaseMs: 60_000 } as const;
  const ready: StoryMessage = {
    kind: 'ready',
    jobId: 'r0',
    audioUrl: 'https://a.test/a.mp3',
    storagePath: undefined,
    durationMs: undefined,
    voiceId: undefined,
    voiceName: undefined,
    language: undefined,
    metadata: undefined,
  };
  const attempts = (id: string) => firestore.collection(`stories/${id}/audioAttempts`);
  const put = async (id: string): Promise<void> => {
    const content = { contentHash: 'c', status: 'pending' };
    await firestore
      .doc(`stories/${id}`)
      .set({ audioStatus: 'pending', audioJobId: 'j1', audioContentHash: 'c' });
    await attempts(id)
      .doc('j0')
      .set({ ...content, number: 1 });
    await attempts(id)
      .doc('j1')
      .set({ ...content, number: 2 });
  };
  /** Applies the ready, and waits at its first commit. */
  const applyWithGate = async (storyId: string) => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const run = firestore.runTransaction.bind(firestore);
    vi.spyOn(firestore, 'runTransaction').mockImplementationOnce((work, options) =>
      run(async (transaction: Transaction) => {
        const result = await work(transaction);
        reached.resolve();
        await gate.promise;
        return result;
      }, options),
    );
    const applied = stories.apply({ storyId, jobId: 'r0' }, (story, known) =>
      decide(story, known, ready, context),
    );
    await reached.promise;
    return { applied, commit: gate.resolve };
  };

  it('does not hold up other stories', async () => {
    await put('s2');
    const { applied, commit } = await applyWithGate('s2');
    await attempts('s3').doc('j1').set({ number: 1 });
    commit();
    expect(await applied).toMatchObject({ decision: 'fenced' });
  });

  it('is not lost when the id is recorded at the same moment, also for an older attempt', async () => {
    await put('s4');
    const { applied, commit } = await applyWithGate('s4');
    const recorded = stories.recordRunpodJob(
      { storyId: 's4', jobId: 'j0', runpodJobId: 'r0' },
      { ...context, source: 'dispatch' },
    );
    commit();
    expect(await applied).toMatchObject({ kind: 'decided' });
    expect(await recorded).toMatchObject({ kind: 'recorded' });
    expect((await firestore.doc('stories/s4').get()).data()).toMatchObject({
      audioStatus: 'ready',
      audioJobId: 'j0',
    });
  });
});
