import { randomUUID } from 'node:crypto';
import { type Budget, createNames, decide, type StoryMessage, type TtsJobEvent } from '@taleback/core';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { generateNarration } from '../src/generate/generate.ts';
import { requestAudio, type RequestOptions, retryAutomatically } from '../src/request/request-audio.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';

const projectId = `demo-${randomUUID().slice(0, 13)}`;
const app = initializeApp({ projectId }, projectId);
const firestore = getFirestore(app);
afterAll(() => deleteApp(app));

const NOW_MS = Date.now();
const LEASE_MS = 900_000;
const { collections } = createNames();
const stories = createFirestoreStories(firestore, { timeoutMs: 120_000 });
const BUDGET: Budget = { underWay: 5, narrations: 1_000, characters: 1e9 };

let userId: string;
let queued: TtsJobEvent[];
beforeEach(() => {
  userId = randomUUID();
  queued = [];
});

const options = (more: Partial<RequestOptions> = {}): RequestOptions => ({
  stories,
  queue: { publish: async (job) => void queued.push(job) },
  limits: { minCharacters: 1, maxCharacters: 20_000 },
  defaultVoice: 'slt',
  callbackUrl: 'https://tales.example/api/tts/callback',
  pendingLeaseMs: LEASE_MS,
  budget: BUDGET,
  log: () => {},
  now: () => NOW_MS,
  newId: randomUUID,
  ...more,
});

const plant = async (count: number, fields: object = {}): Promise<string[]> => {
  const ids = Array.from({ length: count }, () => randomUUID());
  for (let from = 0; from < count; from += 100) {
    const batch = firestore.batch();
    for (const id of ids.slice(from, from + 100))
      batch.set(firestore.doc(`${collections.stories}/${id}`), {
        userId,
        title: 'T',
        text: 'Once.',
        ...fields,
      });
    await batch.commit();
  }
  return ids;
};
const ask = (storyId: string, more: Partial<RequestOptions> = {}, kind: 'request' | 'retry' = 'request') =>
  requestAudio(kind, userId, { storyId }, options(more));
const storyOf = async (id: string) =>
  (await firestore.doc(`${collections.stories}/${id}`).get()).data() ?? {};
const usageOf = async (id = userId) => (await firestore.doc(`${collections.usage}/${id}`).get()).data();
const kindsOf = (answers: readonly { readonly kind: string }[]) => {
  const kinds: Record<string, number> = {};
  for (const { kind } of answers) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
};
const end = (storyId: string, kind: 'ready' | 'failed') => {
  const jobId = queued.findLast(({ input }) => input.metadata.story_id === storyId)?.id ?? '';
  const message = {
    kind,
    jobId,
    audioUrl: 'https://a.test/1.mp3',
    error: 'It broke',
    code: 'timed_out',
    retryable: true,
  };
  const context = { source: 'callback', nowMs: NOW_MS, leaseMs: LEASE_MS } as const;
  return stories.apply({ storyId, jobId }, (story, attempts) =>
    decide(story, attempts, message as unknown as StoryMessage, context),
  );
};

describe('the budget of a person', () => {
  it('has room for no more of 100 long stories than it says', async () => {
    const ids = await plant(100, { text: 'word '.repeat(4_000) });
    const answers = [];
    for (let from = 0; from < ids.length; from += 50)
      answers.push(...(await Promise.all(ids.slice(from, from + 50).map((id) => ask(id)))));
    expect(kindsOf(answers)).toEqual({ opened: 5, 'over-budget': 95 });
    expect(queued).toHaveLength(5);
    expect(await usageOf()).toMatchObject({ narrations: 5, characters: 5 * 20_000 });
  });

  it('is not overrun by 50 requests at once on two instances, of which none fails', async () => {
    const other = createFirestoreStories(firestore, { timeoutMs: 120_000 });
    const ids = await plant(50);
    const answers = await Promise.all(
      ids.map((id, index) => ask(id, index % 2 === 0 ? {} : { stories: other })),
    );
    expect(kindsOf(answers)).toEqual({ opened: 5, 'over-budget': 45 });
    const usage = await usageOf();
    expect(Object.keys(usage?.['underWay'] as object).sort()).toEqual(queued.map(({ id }) => id).sort());
  });

  it('has room again after an end, and keeps the story as it is until then', async () => {
    const [first = '', second = ''] = await plant(2);
    const budget = { ...BUDGET, underWay: 1 };
    expect(await ask(first, { budget })).toMatchObject({ kind: 'opened' });
    const before = await storyOf(second);
    expect(await ask(second, { budget })).toEqual({
      kind: 'over-budget',
      code: 'budget_spent',
      sentence: expect.stringContaining(new Date(NOW_MS + LEASE_MS).toISOString()),
      retryAtMs: NOW_MS + LEASE_MS,
    });
    expect(await storyOf(second)).toEqual(before);
    expect(await storyOf(first)).toMatchObject({ audioUsageId: userId });
    await end(first, 'failed');
    expect(await storyOf(first)).not.toHaveProperty('audioUsageId');
    expect(await usageOf()).toMatchObject({ underWay: {}, narrations: 1 });
    expect(await ask(second, { budget })).toMatchObject({ kind: 'opened' });
    // A lease that has expired does not count, and a narration that is asked for again counts for the day.
    const later = { budget: { ...budget, narrations: 3 }, now: () => NOW_MS + LEASE_MS };
    expect(await ask(first, later, 'retry')).toMatchObject({ kind: 'opened', attempt: 2 });
    await end(first, 'ready');
    expect(await ask(first, later)).toMatchObject({ kind: 'over-budget', code: 'budget_spent' });
  });

  it('ends a narration whose usage is not there', async () => {
    const [id = ''] = await plant(1);
    await ask(id);
    await firestore.doc(`${collections.usage}/${userId}`).delete();
    expect(await end(id, 'ready')).toMatchObject({ kind: 'decided', decision: 'applied' });
    expect(await ask(id)).toMatchObject({ kind: 'opened', attempt: 2 });
  });

  it('refuses a text that no day has room for, and more stories than it has room for', async () => {
    const [id = ''] = await plant(3);
    expect(await ask(id, { budget: { characters: 4 } })).toMatchObject({ code: 'text_too_long' });
    expect(await ask(id, { budget: { stories: 2 } })).toMatchObject({
      kind: 'over-budget',
      code: 'too_many_stories',
      retryAtMs: undefined,
    });
    expect(await ask(id, { budget: { stories: 3 } })).toMatchObject({ kind: 'opened' });
  });

  it('does not count automatic retries, and counts a user whose id is no document id', async () => {
    userId = `a/${userId}`;
    const [id = ''] = await plant(1, { audioStatus: 'failed', audioAttempt: 1, audioRetryAt: new Date(0) });
    const spent = { ...BUDGET, narrations: 1 };
    expect(await retryAutomatically(id, options({ budget: spent }))).toMatchObject({ kind: 'opened' });
    expect(await storyOf(id)).not.toHaveProperty('audioUsageId');
    await end(id, 'ready');
    expect(await ask(id, { budget: spent })).toMatchObject({ kind: 'opened' });
    const { audioUsageId } = await storyOf(id);
    expect(audioUsageId).toMatch(/^[0-9a-f]{64}$/);
    expect(await usageOf(audioUsageId as string)).toMatchObject({ narrations: 1 });
  });
});

it('generate has a budget of its own', async () => {
  const body = (story_id: string) => ({ user_id: userId, voice_id: 'slt', story_id, text: 'Once.' });
  const generate = (more: Partial<RequestOptions> = {}) =>
    generateNarration(
      { value: body(randomUUID()), messages: [] },
      undefined,
      options({ budget: { narrations: 2 }, ...more }),
    );
  const [id = ''] = await plant(1);
  expect(await ask(id, { budget: { narrations: 1 } })).toMatchObject({ kind: 'opened' });
  expect(await generate()).toMatchObject({ kind: 'queued' });
  expect(await generate()).toMatchObject({ kind: 'queued' });
  const refused = await generate();
  expect(refused).toMatchObject({ kind: 'over-budget', retryAfterSeconds: expect.any(Number) });
  expect(await generate({ budget: { stories: 3 } })).toMatchObject({ kind: 'wrong-shape' });
  expect(await generate({ budget: undefined })).toMatchObject({ kind: 'queued' });
  expect(await usageOf()).toMatchObject({ narrations: 1 });
  expect(await usageOf(`generate:${userId}`)).toMatchObject({ narrations: 2 });
});
