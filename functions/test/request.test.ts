import { createHash, randomUUID } from 'node:crypto';
import { type Message, PubSub } from '@google-cloud/pubsub';
import { createNames, DEFAULT_STORY_LIMITS, type TtsJobEvent } from '@taleback/core';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { type Firestore, getFirestore, type Timestamp } from 'firebase-admin/firestore';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createJobQueue } from '../src/events/pubsub.node.ts';
import { requestAudio, type RequestOptions } from '../src/request/request-audio.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';

const LEASE_MS = 900_000;
const CALLBACK_URL = 'https://tales.example/api/tts/callback';

const projectId = `demo-${randomUUID().slice(0, 13)}`;
const app = initializeApp({ projectId }, projectId);
const pubsub = new PubSub({ projectId });
const firestore: Firestore = getFirestore(app);
const queued: { readonly job: TtsJobEvent; readonly attributes: Record<string, string> }[] = [];
let options: RequestOptions;

beforeAll(async () => {
  const [topic] = await pubsub.createTopic(createNames().topics.jobs);
  const [subscription] = await topic.createSubscription('watch-jobs');
  subscription.setOptions({ streamingOptions: { maxStreams: 1 } });
  subscription.on('message', (message: Message) => {
    queued.push({
      job: JSON.parse(message.data.toString()) as TtsJobEvent,
      attributes: message.attributes,
    });
    message.ack();
  });
  const stories = createFirestoreStories(firestore, { timeoutMs: 120_000 });
  options = {
    stories,
    queue: createJobQueue({ projectId }),
    limits: DEFAULT_STORY_LIMITS,
    defaultVoice: 'slt',
    sharedVoices: ['ann'],
    callbackUrl: CALLBACK_URL,
    pendingLeaseMs: LEASE_MS,
    log: () => {},
    now: Date.now,
    newId: randomUUID,
  };
});
afterAll(async () => {
  await pubsub.close();
  await deleteApp(app);
});

const ascending = (one: number, other: number): number => one - other;

let next = 0;
const newStory = async (fields: Record<string, unknown> = {}): Promise<string> => {
  next += 1;
  const id = `story-${next}`;
  await firestore
    .doc(`stories/${id}`)
    .set({ userId: 'u1', title: 'The Tide', text: 'Once upon a time.', ...fields });
  return id;
};

const ask = (
  storyId: string,
  more: Partial<RequestOptions> = {},
  kind: 'request' | 'retry' = 'request',
  data = {},
) => requestAudio(kind, 'u1', { storyId, ...data }, { ...options, ...more });

const storyOf = async (id: string): Promise<Record<string, unknown>> =>
  (await firestore.doc(`stories/${id}`).get()).data() ?? {};
const attemptsOf = async (id: string): Promise<Record<string, unknown>[]> =>
  (await firestore.collection(`stories/${id}/audioAttempts`).get()).docs.map((doc) => doc.data());

/** Jobs of a story, once a job that was queued after them has come through. */
const jobsOf = async (storyId: string): Promise<typeof queued> => {
  const marker = randomUUID();
  await ask(await newStory({ title: marker }));
  const titles = (): unknown[] => queued.map(({ job }) => job.input.story_name);
  await vi.waitFor(() => expect(titles()).toContain(marker), { timeout: 120_000, interval: 10 });
  return queued.filter(({ job }) => job.input.metadata.story_id === storyId);
};

describe('requestAudio over Firestore and Pub/Sub', () => {
  it('opens the attempt in story and history, and queues the job', async () => {
    const id = await newStory({ voiceId: 'ann', voiceName: 'Ann' });
    const askedAt = Date.now();
    const answer = await ask(id);
    expect(answer).toEqual({ kind: 'opened', jobId: expect.any(String), attempt: 1 });
    const jobId = answer.kind === 'opened' ? answer.jobId : '';
    const { updatedAt, audioLeaseExpiresAt, ...story } = await storyOf(id);
    expect(story).toEqual({
      userId: 'u1',
      title: 'The Tide',
      text: 'Once upon a time.',
      voiceId: 'ann',
      voiceName: 'Ann',
      audioStatus: 'pending',
      audioJobId: jobId,
      audioAttempt: 1,
      audioContentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      audioAskedTextHash: createHash('sha256').update('Once upon a time.').digest('hex'),
    });
    expect((updatedAt as Timestamp).toMillis()).toBeGreaterThan(askedAt - 60_000);
    expect((audioLeaseExpiresAt as Timestamp).toMillis()).toBeGreaterThanOrEqual(askedAt + LEASE_MS);
    expect(await attemptsOf(id)).toMatchObject([
      {
        jobId,
        number: 1,
        status: 'pending',
        requestedBy: 'u1',
        contentHash: story['audioContentHash'],
        textHash: story['audioAskedTextHash'],
        transitions: { pending: { source: 'person' } },
      },
    ]);
    expect(await jobsOf(id)).toEqual([
      {
        attributes: { jobId, storyId: id },
        job: {
          id: jobId,
          input: {
            text: 'Once upon a time.',
            voice_id: 'ann',
            voice_name: 'Ann',
            language: 'en',
            story_type: 'user',
            story_name: 'The Tide',
            metadata: { story_id: id, user_id: 'u1', callback_url: CALLBACK_URL, attempt: 1 },
          },
        },
      },
    ]);
  });

  it('takes twenty presses of the button for one', async () => {
    const id = await newStory();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(id)));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['opened', ...Array(19).fill('under-way')]);
    const jobIds = new Set(answers.map((answer) => 'jobId' in answer && answer.jobId));
    expect(jobIds.size).toBe(1);
    expect(await attemptsOf(id)).toHaveLength(1);
    const jobs = await jobsOf(id);
    expect(jobs.map(({ job }) => job.id)).toEqual([...jobIds]);
  });

  it('opens the next attempt when the lease of a job ran out', async () => {
    const id = await newStory();
    const first = await ask(id, { now: () => Date.now() - LEASE_MS - 1_000 });
    const second = await ask(id, {}, 'retry');
    expect([first, second]).toMatchObject([
      { kind: 'opened', attempt: 1 },
      { kind: 'opened', attempt: 2 },
    ]);
    expect((await attemptsOf(id)).map(({ number }) => Number(number)).sort(ascending)).toEqual([1, 2]);
    expect((await jobsOf(id)).map(({ job }) => job.input.metadata.attempt).sort(ascending)).toEqual([1, 2]);
  });

  it('takes the failure off a story that is tried again, and mends its voice and language', async () => {
    const id = await newStory({
      voiceId: 'gone',
      voiceName: 'Gone',
      language: 'xx',
      audioStatus: 'failed',
      audioJobId: 'old',
      audioAttempt: 1,
      audioError: 'Voice profile not found',
      audioErrorCode: 'voice_profile_missing',
      audioErrorRetryable: false,
      audioErrorDetails: 'd',
      audioErrorMetadata: { a: 1 },
      audioProgress: 0.5,
    });
    expect(await ask(id, {}, 'retry', { voiceId: 'slt', language: 'en' })).toMatchObject({ kind: 'opened' });
    const story = await storyOf(id);
    expect(story).toMatchObject({ audioStatus: 'pending', voiceId: 'slt', language: 'en', audioAttempt: 2 });
    expect(Object.keys(story).filter((name) => name.startsWith('audioError'))).toEqual([]);
    expect(story).not.toHaveProperty('audioProgress');
    expect(story).not.toHaveProperty('voiceName');
    expect((await jobsOf(id)).map(({ job }) => [job.input.voice_id, job.input.language])).toEqual([
      ['slt', 'en'],
    ]);
  });

  it.each([
    ['of somebody else', { userId: 'u2' }, { kind: 'no-such-story' }],
    ['without text', { text: '' }, { kind: 'unfit', code: 'text_empty' }],
    ['with text that is no text', { text: ['a'] }, { kind: 'unfit', code: 'text_empty' }],
    ['too long', { text: 'word '.repeat(5_000) }, { kind: 'unfit', code: 'text_too_long' }],
    ['in another language', { language: 'xx' }, { kind: 'unfit', code: 'language_unsupported' }],
    ['without room for its end', { filler: 'x'.repeat(1_037_000) }, { kind: 'unfit', field: 'text' }],
  ])('writes and queues nothing for a story %s', async (_, fields, expected) => {
    const id = await newStory(fields);
    const before = await storyOf(id);
    expect(await ask(id)).toMatchObject(expected);
    expect(await storyOf(id)).toEqual(before);
    expect(await attemptsOf(id)).toEqual([]);
    expect(await jobsOf(id)).toEqual([]);
  });

  it('knows no story that is not there', async () => {
    expect(await ask('nobody')).toEqual({ kind: 'no-such-story' });
    expect(await storyOf('nobody')).toEqual({});
  });

  it('fails the story when the queue does not take the job, and opens it again afterwards', async () => {
    const id = await newStory();
    const elsewhere = createJobQueue({ projectId: `demo-${randomUUID().slice(0, 13)}` }); // a project without the topic
    expect(await ask(id, { queue: elsewhere })).toEqual({ kind: 'queue-away' });
    const story = await storyOf(id);
    expect(story).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'queue_unavailable',
      audioErrorRetryable: true,
      audioAttempt: 1,
    });
    expect(story).not.toHaveProperty('audioLeaseExpiresAt');
    expect(await attemptsOf(id)).toMatchObject([
      {
        status: 'failed',
        error: { code: 'queue_unavailable' },
        transitions: { failed: { source: 'dispatch' } },
      },
    ]);
    expect(await ask(id, {}, 'retry')).toMatchObject({ kind: 'opened', attempt: 2 });
  });
});
