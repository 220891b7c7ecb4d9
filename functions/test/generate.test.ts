import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Message, PubSub } from '@google-cloud/pubsub';
import { createNames, DEFAULT_STORY_LIMITS, JOB_EXTRAS, type TtsJobEvent } from '@taleback/core';
import { signHmac, signStandard } from '@taleback/core/signatures';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createJobQueue } from '../src/events/pubsub.node.ts';
import type { JobQueue } from '../src/request/open-attempt.ts';
import { createFolderStore } from '../src/stories/folder-store.node.ts';
import { createRecordings, type Recordings } from '../src/stories/recordings.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

/** Of the servers that request narrations. */
const KEY = Buffer.alloc(24, 1);
const HMAC_SECRET = 'shared-with-the-api';
/** Of workers. */
const CALLBACK_KEY = Buffer.alloc(24, 2);
const PATH = '/api/tts/generate';
const CALLBACK_URL = 'https://tales.example/api/tts/callback';

/** Of a recording that came with a job. */
const PLACE = /^recordings\/[\d-]{10}\/private\/users\/u1\/[0-9a-f]{64}\.recording$/;

/** Every field of a job. */
const full = (storyId: string): Record<string, unknown> => ({
  user_id: 'u1',
  voice_id: 'ann',
  text: 'Once upon a time.',
  story_id: storyId,
  profile_base64: Buffer.alloc(300_000, 7).toString('base64'),
  profile_path: 'private/users/u1/voices/en/ann.npy',
  language: 'en',
  story_type: 'user',
  is_kids_voice: false,
  model_type: 'chatterbox',
  callback_url: 'https://elsewhere.example/cb',
  story_name: 'The Tide',
  output_basename: 'the-tide',
  output_filename: 'the-tide.mp3',
  voice_name: 'Ann',
  genre: 'adventure',
  storage_path: 'private/users/u1/tide.mp3',
  speed: 0.9,
  pause_scale: 1.5,
  exaggeration: 0.7,
  cfg_weight: 0.4,
  temperature: 0.8,
  allow_other_voice: true,
  priority: 'high',
});

const plain = (storyId: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  user_id: 'u1',
  voice_id: 'slt',
  text: 'Once upon a time.',
  story_id: storyId,
  ...more,
});

interface Queued {
  readonly status: string;
  readonly job_id: string;
  readonly metadata: Record<string, unknown>;
}

let receiver: ReceiverHarness;
let pubsub: PubSub;
let next = 0;
let isQueueAway = false;
const jobs: TtsJobEvent[] = [];
const sent: string[] = [];

let folder: string;
let recordings: Recordings;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-recordings-'));
  recordings = createRecordings({ store: createFolderStore(folder), lifetimeMs: 1, now: Date.now });
  receiver = await openReceiver({
    signatures: 'required',
    secrets: { standard: [CALLBACK_KEY], hmac: [] },
    generateSecrets: { standard: [KEY], hmac: [HMAC_SECRET] },
  });
  const { projectId, firestore } = receiver;
  pubsub = new PubSub({ projectId });
  const [topic] = await pubsub.createTopic(createNames().topics.jobs);
  const [subscription] = await topic.createSubscription('watch-jobs');
  subscription.setOptions({ streamingOptions: { maxStreams: 1 } });
  subscription.on('message', (message: Message) => {
    jobs.push(JSON.parse(message.data.toString()) as TtsJobEvent);
    message.ack();
  });
  const real = createJobQueue({ projectId });
  const queue: JobQueue = {
    publish: async (job) => {
      if (isQueueAway) throw new Error('UNAVAILABLE');
      await real.publish(job);
      sent.push(job.id);
    },
  };
  const stories = createFirestoreStories(firestore, { timeoutMs: 120_000 });
  receiver.serve({
    generate: {
      stories,
      queue,
      limits: DEFAULT_STORY_LIMITS,
      defaultVoice: 'slt',
      callbackUrl: CALLBACK_URL,
      pendingLeaseMs: 900_000,
      log: () => {},
      now: Date.now,
      newId: randomUUID,
      recordings,
    },
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await pubsub.close();
  await receiver.close();
});

const newId = (): string => {
  next += 1;
  return `tale-${next}`;
};

const post = (body: unknown, headers: Record<string, string> = {}) => {
  const raw = JSON.stringify(body);
  next += 1;
  const signed = signStandard(
    { id: `m${next}`, timestampSeconds: Date.now() / 1000, body: Buffer.from(raw) },
    [KEY],
  );
  return receiver.post('generate', raw, { ...signed, ...headers });
};

const queued = async (body: unknown, headers: Record<string, string> = {}): Promise<Queued> => {
  const answer = await post(body, headers);
  expect(answer).toMatchObject({ status: 200, body: { status: 'queued' } });
  return answer.body as Queued;
};

const jobOf = async (jobId: string): Promise<TtsJobEvent> => {
  await vi.waitFor(() => expect(jobs.map(({ id }) => id)).toContain(jobId), {
    timeout: 120_000,
    interval: 10,
  });
  return jobs.find(({ id }) => id === jobId) as TtsJobEvent;
};

describe('a job that the story does not hold all of', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown> | undefined, unknown]>([
    ['with a recording of its own', { profile_base64: 'AAAA' }, undefined, false],
    ['with fields that the story keeps', { genre: 'adventure' }, undefined, undefined],
    ["with the caller's own address", { callback_url: 'https://elsewhere.example/cb' }, undefined, false],
    ['with other words than the story has', { text: 'Other words.' }, { text: 'Its own words.' }, false],
    ['with nothing of that kind', {}, undefined, undefined],
    ['with the very words of the story', {}, { text: 'Once upon a time.' }, undefined],
  ])('is tried again automatically or not, %s', async (_what, more, story, expected) => {
    const id = newId();
    if (story !== undefined)
      await receiver.firestore
        .doc(`stories/${id}`)
        .set({ userId: 'u1', title: 'T', language: 'en', voiceId: 'slt', ...story });
    expect((await post(plain(id, more))).status).toBe(200);
    expect((await receiver.story(id))?.['audioAutoRetry']).toBe(expected);
  });
});

describe('a story that is not there yet', () => {
  it('is created for its user, and its job queued with every field in the words of the handler', async () => {
    const id = newId();
    const answer = await queued(full(id));
    expect(answer).toEqual({
      status: 'queued',
      job_id: expect.stringMatching(/^[\da-f-]{36}$/),
      metadata: { story_id: id, user_id: 'u1', voice_id: 'ann', attempt: 1 },
    });
    const { createdAt, updatedAt, audioLeaseExpiresAt, ...story } = (await receiver.story(id)) ?? {};
    expect(story).toEqual({
      userId: 'u1',
      title: 'The Tide',
      text: 'Once upon a time.',
      language: 'en',
      voiceId: 'ann',
      voiceName: 'Ann',
      storyType: 'user',
      audioStatus: 'pending',
      audioJobId: answer.job_id,
      audioAttempt: 1,
      audioContentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      audioAskedTextHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      audioAutoRetry: false,
      audioJobExtras: {
        has_recording: true,
        recording_path: expect.stringMatching(PLACE),
        profile_path: 'private/users/u1/voices/en/ann.npy',
        is_kids_voice: false,
        model_type: 'chatterbox',
        genre: 'adventure',
        output_basename: 'the-tide',
        output_filename: 'the-tide.mp3',
        storage_path: 'private/users/u1/tide.mp3',
        speed: 0.9,
        pause_scale: 1.5,
        exaggeration: 0.7,
        cfg_weight: 0.4,
        temperature: 0.8,
        allow_other_voice: true,
        priority: 'high',
      },
    });
    expect(Object.keys(full(id))).toEqual(expect.arrayContaining(Object.keys(JOB_EXTRAS)));
    expect([createdAt, audioLeaseExpiresAt]).toEqual([updatedAt, expect.anything()]);
    expect(Object.keys(await receiver.attempts(id))).toEqual([answer.job_id]);
    const { callback_url: callbackUrl, user_id, story_id, profile_base64, ...input } = full(id);
    const { metadata, ...queuedInput } = (await jobOf(answer.job_id)).input;
    expect(queuedInput).toEqual({ ...input, recording_path: expect.stringMatching(PLACE) });
    const recording = await recordings.read(String(queuedInput.recording_path));
    expect(Buffer.from(recording ?? []).toString('base64')).toBe(profile_base64);
    expect((await stat(join(folder, String(queuedInput.recording_path)))).mode & 0o777).toBe(0o600);
    expect(metadata).toMatchObject({ user_id, story_id, callback_url: callbackUrl, attempt: 1 });
  });

  it('needs no more than the four fields, and nulls for the rest', async () => {
    const id = newId();
    const nulls = Object.fromEntries(Object.keys(full(id)).map((name) => [name, null]));
    const { job_id: jobId } = await queued({ ...nulls, ...plain(id) });
    expect(await receiver.story(id)).toMatchObject({ title: 'Untitled', language: 'en', storyType: 'user' });
    const { input } = await jobOf(jobId);
    expect(Object.values(input)).not.toContain(null);
    expect(input.metadata.callback_url).toContain(CALLBACK_URL);
  });

  it('is narrated to the end by callbacks', async () => {
    const id = newId();
    const { job_id: jobId } = await queued(plain(id));
    const body = JSON.stringify({ story_id: id, job_id: jobId, audio_url: 'https://a.example/x.mp3' });
    const headers = signStandard(
      { id: 'ready', timestampSeconds: Date.now() / 1000, body: Buffer.from(body) },
      [CALLBACK_KEY],
    );
    expect((await receiver.post('callback', body, headers)).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready', audioAttempt: 1 });
  });
});

const plant = async (fields: Record<string, unknown> = {}): Promise<string> => {
  const id = newId();
  const story = { userId: 'u1', title: 'Mine', text: 'My own words.', voiceId: 'ann', voiceName: 'Ann' };
  await receiver.firestore.doc(`stories/${id}`).set({ ...story, ...fields });
  return id;
};

describe('a story that is there', () => {
  it('keeps its words; what is asked for is narrated, or its own text', async () => {
    const id = await plant();
    const first = await queued(plain(id, { story_name: 'Other' }));
    expect(await receiver.story(id)).toMatchObject({ title: 'Mine', text: 'My own words.', voiceId: 'slt' });
    expect(await receiver.story(id)).not.toHaveProperty('voiceName');
    expect((await jobOf(first.job_id)).input).toMatchObject({
      text: 'Once upon a time.',
      story_name: 'Other',
    });
    const other = await plant();
    const second = await queued(plain(other, { text: null, voice_id: 'ann' }));
    expect((await jobOf(second.job_id)).input).toMatchObject({ text: 'My own words.', voice_name: 'Ann' });
  });

  it('of someone else is not there for this user', async () => {
    const id = await plant({ userId: 'u2' });
    const before = await receiver.story(id);
    expect(await post(plain(id))).toMatchObject({ status: 404, body: { success: false } });
    expect(await receiver.story(id)).toEqual(before);
    expect(await receiver.attempts(id)).toEqual({});
  });

  it('and under way answers with the job it has, however often it is asked for', async () => {
    const id = await plant();
    const answers = await Promise.all(Array.from({ length: 10 }, () => queued(plain(id))));
    expect(new Set(answers.map((answer) => answer.job_id)).size).toBe(1);
    expect(Object.keys(await receiver.attempts(id))).toHaveLength(1);
    expect(sent.filter((jobId) => jobId === answers[0]?.job_id)).toHaveLength(1);
  });

  it('with no room left is refused, and stays as it is', async () => {
    const id = await plant({ filler: 'x'.repeat(1_040_350) });
    const answer = await post(plain(id));
    expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(/size limit/) } });
    expect(await receiver.attempts(id)).toEqual({});
  });
});

const end = async (id: string, jobId: string): Promise<void> => {
  await receiver.firestore.doc(`stories/${id}`).update({ audioStatus: 'ready' });
  await receiver.firestore.doc(`stories/${id}/audioAttempts/${jobId}`).update({ status: 'ready' });
};

describe('an idempotency key', () => {
  it('names its job for good; another key, or none, opens the next', async () => {
    const id = newId();
    const key = { 'x-idempotency-key': 'order-1' };
    const first = await queued(plain(id), key);
    expect((await queued(plain(id), key)).job_id).toBe(first.job_id);
    await end(id, first.job_id);
    expect((await queued(plain(id), key)).job_id).toBe(first.job_id);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready', audioAttempt: 1 });
    const second = await queued(plain(id), { 'x-idempotency-key': 'order-2' });
    expect(second).toMatchObject({ metadata: { attempt: 2 } });
    expect(second.job_id).not.toBe(first.job_id);
    expect(sent.filter((jobId) => jobId === first.job_id)).toHaveLength(1);
  });

  it('means nothing for another story', async () => {
    const key = { 'x-idempotency-key': 'same' };
    const [one, other] = [await queued(plain(newId()), key), await queued(plain(newId()), key)];
    expect(one.job_id).not.toBe(other.job_id);
  });

  it('is that of the signed message itself where none is given: a recorded request opens nothing', async () => {
    const id = newId();
    const raw = JSON.stringify(plain(id));
    const headers = signHmac(
      { method: 'POST', path: PATH, timestampMs: Date.now(), body: Buffer.from(raw) },
      HMAC_SECRET,
      'taleback',
    );
    const first = (await receiver.post('generate', raw, headers)).body as Queued;
    await end(id, first.job_id);
    expect((await receiver.post('generate', raw, headers)).body).toMatchObject({ job_id: first.job_id });
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready', audioAttempt: 1 });
  });

  it('opens its job again when the queue had not taken it', async () => {
    const id = newId();
    const key = { 'x-idempotency-key': 'order-1' };
    isQueueAway = true;
    const refused = await post(plain(id), key);
    isQueueAway = false;
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await receiver.story(id)).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'queue_unavailable',
    });
    const answer = await queued(plain(id), key);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'pending', audioJobId: answer.job_id });
    expect((await jobOf(answer.job_id)).input.metadata.story_id).toBe(id);
  });

  it('is refused when it is too long', async () => {
    const answer = await post(plain(newId()), { 'x-idempotency-key': 'k'.repeat(256) });
    expect(answer).toMatchObject({
      status: 422,
      body: { error: expect.stringMatching(/^x-idempotency-key: /) },
    });
  });
});

describe('is refused, with the field named', () => {
  it.each([
    ['user_id', undefined],
    ['user_id', 7],
    ['user_id', ''],
    ['voice_id', undefined],
    ['voice_id', 'v'.repeat(201)],
    ['story_id', undefined],
    ['story_id', 'a/b'],
    ['story_id', '__name__'],
    ['text', null],
    ['text', '***'],
    ['text', 'word '.repeat(5_000)],
    ['text', ['a']],
    ['language', 'xx'],
    ['is_kids_voice', 'yes'],
    ['profile_base64', 'not base64!'],
    ['profile_path', 'private/users/u2/voices/x.npy'],
    ['profile_path', '../x.npy'],
    ['callback_url', 'ftp://a.example/x'],
    ['callback_url', 'elsewhere'],
    ['callback_url', 'javascript:alert(1)'],
    ['story_name', 's'.repeat(301)],
    ['output_basename', '../x'],
    ['output_filename', '.hidden'],
    ['genre', 'g'.repeat(51)],
    ['storage_path', 'private/users/u2/x.mp3'],
    ['storage_path', '/etc/x.mp3'],
    ['storage_path', 'x.wav'],
    ['storage_path', 'private/users/u1/voices/ann.mp3'],
    ['speed', '1.2'],
    ['speed', 0.4],
    ['pause_scale', 4.1],
    ['exaggeration', 3],
    ['cfg_weight', -0.1],
    ['temperature', 0],
    ['allow_other_voice', 'yes'],
    ['priority', 'urgent'],
    ['priority', 1],
  ])('%s: %j', async (field, value) => {
    const id = newId();
    const answer = await post(plain(id, { [field]: value }));
    expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(`^${field}: `) } });
    expect(await receiver.story(id)).toBeUndefined();
  });

  it('what is unsigned, too large, or no JSON', async () => {
    expect((await receiver.post('generate', plain(newId()))).status).toBe(401);
    const large = await post(plain(newId(), { profile_base64: 'A'.repeat(4_200_000) }));
    expect([large.status, large.body]).toEqual([
      413,
      { success: false, error: 'body: must be at most 4194304 bytes' },
    ]);
    expect((await post([])).status).toBe(422);
  });
});
