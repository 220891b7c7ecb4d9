import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getStorage } from 'firebase-admin/storage';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openGcsService } from '@taleback/worker/test/storage/gcs-service.ts';
import { BUCKET, openS3Service } from '@taleback/worker/test/storage/s3-service.ts';
import { generateNarration } from '../src/generate/generate.ts';
import { createFolderStore } from '../src/stories/folder-store.node.ts';
import { createRecordings, type ObjectStore } from '../src/stories/recordings.ts';
import { dispatchJob, type DispatchOptions, type QueuedMessage } from '../src/runpod/dispatch.ts';
import { createGcsAudioPlace } from '../src/sweep/gcs-audio.node.ts';
import { createS3AudioPlace } from '../src/sweep/s3-audio.node.ts';
import { clientOf, type Kept, type Nets, openNets, SECRET } from './nets-harness.ts';
import { openRunpodApi, type RunpodApi } from './runpod-api.ts';

const DAY_MS = 86_400_000;
const VOICE = Buffer.alloc(3_000, 7);
const away = () => Promise.reject(new Error('the store is away'));

const request = (storyId: string) => ({
  story_id: storyId,
  user_id: 'u1',
  voice_id: 'ann',
  text: 'Once upon a time.',
  profile_base64: VOICE.toString('base64'),
});

interface OpenStore {
  readonly store: ObjectStore;
  readonly close: () => Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<OpenStore>>> = {
  'a folder': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'taleback-recordings-'));
    return { store: createFolderStore(folder), close: () => rm(folder, { recursive: true, force: true }) };
  },
  'a bucket of S3': async () => {
    const service = await openS3Service();
    const store = createS3AudioPlace({ ...service.access, bucket: BUCKET });
    return { store, close: () => service.close() };
  },
  'a bucket of Cloud Storage': async () => {
    const service = await openGcsService();
    vi.stubEnv('STORAGE_EMULATOR_HOST', service.options.endpoint);
    const app = initializeApp({ projectId: 'demo-recordings' }, 'recordings');
    const openBucket = async () => getStorage(app).bucket(BUCKET);
    return {
      store: createGcsAudioPlace({ openBucket, publicUrl: undefined, signedUrlSeconds: 1 }),
      close: async () => {
        vi.unstubAllEnvs();
        await deleteApp(app);
        await service.close();
      },
    };
  },
};

describe.each(Object.entries(STORES))('recordings in %s', (_name, open) => {
  let opened: OpenStore;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());

  it('are kept, read, and removed after their time', async () => {
    const { store } = opened;
    let nowMs = Date.UTC(2026, 10, 30);
    const recordings = createRecordings({ store, lifetimeMs: 2 * DAY_MS, now: () => nowMs });
    const old = await recordings.keep("it's & <1>", VOICE);
    expect(await recordings.keep("it's & <1>", VOICE)).toBe(old);
    nowMs += 2 * DAY_MS;
    const young = await recordings.keep('u2', VOICE);
    await store.write('other/2026-01-01/x', VOICE);
    expect(Buffer.from((await recordings.read(old)) ?? []).equals(VOICE)).toBe(true);
    expect([...(await store.list('recordings/'))].sort()).toEqual([old, young].sort());
    nowMs += DAY_MS;
    await recordings.removeExpired();
    expect(await recordings.read(old)).toBeUndefined();
    expect(await recordings.read(young)).toBeDefined();
    expect(await recordings.read('other/2026-01-01/x')).toBeUndefined();
    expect(await store.list('other/')).toEqual(['other/2026-01-01/x']);
    await store.remove(old);
    await store.remove(young);
    expect(await store.list('recordings/')).toEqual([]);
  });
});

describe('a job with a recording', () => {
  let nets: Nets;
  let api: RunpodApi;
  let folder: string;
  let options: DispatchOptions;
  beforeAll(async () => {
    [nets, api] = await Promise.all([openNets(), openRunpodApi()]);
    folder = await mkdtemp(join(tmpdir(), 'taleback-recordings-'));
    options = {
      ...nets.same,
      runpod: clientOf(api).client,
      stories: nets.stories,
      deadLetters: nets.deadLetters,
      recordings: createRecordings({ store: createFolderStore(folder), lifetimeMs: DAY_MS, now: Date.now }),
      order: {
        webhookUrl: 'https://tales.example/api/tts/runpod-webhook',
        urlSecret: SECRET,
        executionTimeoutMs: 600_000,
        ttlMs: 3_600_000,
      },
    };
  });
  afterAll(async () => {
    await Promise.all([nets.close(), api.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  const generate = (storyId: string, recordings: DispatchOptions['recordings']) =>
    generateNarration({ value: request(storyId), messages: [] }, undefined, { ...nets.requests, recordings });
  /** The job of a story as the topic delivers it. */
  const queued = async (storyId: string): Promise<QueuedMessage> => {
    const answer = await generate(storyId, options.recordings);
    const jobId = answer.kind === 'queued' ? String(answer.body['job_id']) : '';
    const found = (): Kept | undefined => nets.kept.jobs.find(({ data }) => data.id === jobId);
    await vi.waitFor(() => expect(found()).toBeDefined(), { timeout: 120_000, interval: 10 });
    return { data: Buffer.from(JSON.stringify(found()?.data)), attributes: { jobId, storyId } };
  };
  const letterOf = async (storyId: string): Promise<Kept> => {
    const find = (): Kept | undefined =>
      nets.kept.deadLetters.find(({ attributes }) => attributes['storyId'] === storyId);
    await vi.waitFor(() => expect(find()).toBeDefined(), { timeout: 120_000, interval: 10 });
    return find() as Kept;
  };

  it('goes to RunPod with the recording, and nowhere else', async () => {
    const message = await queued('whole');
    expect(message.data.toString()).not.toContain(VOICE.toString('base64').slice(0, 100));
    expect(await dispatchJob(message, options)).toBe('sent');
    const body = api.calls.at(-1)?.body;
    expect(body).toMatchObject({ input: { profile_base64: VOICE.toString('base64') } });
    expect(body).not.toHaveProperty('input.recording_path');
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of files) expect((await stat(join(entry.parentPath, entry.name))).mode & 0o077).toBe(0);
  });

  it('fails, with a reason, when its recording has expired', async () => {
    const message = await queued('expired');
    const recordings = createRecordings({
      store: createFolderStore(`${folder}-none`),
      lifetimeMs: 1,
      now: Date.now,
    });
    expect(await dispatchJob(message, { ...options, recordings })).toBe('failed');
    expect(await nets.story('expired')).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'voice_profile_missing',
    });
  });

  it('is delivered again when the store does not answer', async () => {
    const message = await queued('away');
    const store = {
      ...createFolderStore(folder),
      read: () => Promise.reject(new Error('the store is away')),
    };
    const recordings = createRecordings({ store, lifetimeMs: 1, now: Date.now });
    await expect(dispatchJob(message, { ...options, recordings })).rejects.toThrow('the store is away');
    expect(await nets.story('away')).toMatchObject({ audioStatus: 'pending' });
    expect(await dispatchJob(message, options)).toBe('sent');
  });

  it('of an earlier version leaves no recording in its dead letter', async () => {
    const { data, attributes } = await queued('earlier');
    const job = JSON.parse(data.toString()) as { input: Record<string, unknown> };
    const { recording_path: _place, ...input } = job.input;
    const earlier = { ...job, input: { ...input, profile_base64: VOICE.toString('base64') } };
    api.script.push({ status: 400, body: { error: 'no' } });
    const message = { data: Buffer.from(JSON.stringify(earlier)), attributes };
    expect(await dispatchJob(message, options)).toBe('failed');
    const letter = (await letterOf('earlier')).data as { input: Record<string, unknown> };
    expect(letter.input).not.toHaveProperty('profile_base64');
    const kept = await options.recordings?.read(String(letter.input['recording_path']));
    expect(Buffer.from(kept ?? []).equals(VOICE)).toBe(true);
  });

  it('that cannot be read leaves none either', async () => {
    const data = Buffer.from(`torn {"profile_base64":"${VOICE.toString('base64')}`);
    expect(await dispatchJob({ data, attributes: { storyId: 'torn' } }, options)).toBe('malformed');
    expect((await letterOf('torn')).data).toBe('torn {"profile_base64":""');
  });

  it('is refused where there is no private store, or none that answers', async () => {
    expect(await generate('refused', undefined)).toEqual({
      kind: 'wrong-shape',
      sentence: expect.stringMatching(/^profile_base64: /),
    });
    expect(await generate('refused', { keep: away, read: async () => undefined })).toEqual({
      kind: 'recording-not-kept',
    });
    expect(await nets.story('refused')).toEqual({});
  });
});
