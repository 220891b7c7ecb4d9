import { randomUUID } from 'node:crypto';
import { SecretText } from '@taleback/core';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { type Firestore, getFirestore, Timestamp } from 'firebase-admin/firestore';
import { afterAll, describe, expect, it } from 'vitest';
import { renewAudio, type RenewOptions } from '../src/request/renew-audio.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { createS3AudioPlace } from '../src/sweep/s3-audio.node.ts';

const DAY_MS = 24 * 60 * 60_000;
const PATH = 'private/users/u1/stories/audio/en/s1/j1.mp3';

const projectId = `demo-${randomUUID().slice(0, 13)}`;
const app = initializeApp({ projectId }, projectId);
const firestore: Firestore = getFirestore(app);
const place = createS3AudioPlace({
  endpoint: 'https://s3.example',
  bucket: 'tales',
  region: 'auto',
  accessKeyId: 'AKID',
  secretAccessKey: new SecretText('hush'),
  addressing: 'path',
  publicUrl: undefined,
  signedUrlSeconds: 604_800,
});
const options: RenewOptions = {
  stories: createFirestoreStories(firestore, { timeoutMs: 120_000 }),
  audioUrlOf: place.urlOf,
  now: Date.now,
  log: () => {},
};
afterAll(() => deleteApp(app));

const refuseToSign = (): Promise<string> => Promise.reject(new Error('signBlob: 403'));
const signedAt = (atMs: number): string => {
  const time = new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `https://s3.example/tales/${PATH}?X-Amz-Date=${time}&X-Amz-Expires=604800&X-Amz-Signature=00`;
};
const OLD = signedAt(Date.now() - 8 * DAY_MS);

const newStory = async (fields: Record<string, unknown> = {}): Promise<string> => {
  const id = randomUUID();
  await firestore.doc(`stories/${id}`).set({
    userId: 'u1',
    audioStatus: 'ready',
    audioUrl: OLD,
    audioStoragePath: PATH,
    updatedAt: Timestamp.fromMillis(1),
    ...fields,
  });
  return id;
};
const storyOf = async (id: string) => (await firestore.doc(`stories/${id}`).get()).data() ?? {};
const renew = (storyId: string, more: Partial<RenewOptions> = {}, userId = 'u1') =>
  renewAudio(userId, { storyId }, { ...options, ...more });

describe('a story whose signed address ran out', () => {
  it('gets another, and nothing else of it changes', async () => {
    const id = await newStory({ text: 'Once.' });
    expect(await renew(id)).toEqual({ kind: 'renewed' });
    const { audioUrl, ...others } = await storyOf(id);
    const url = new URL(String(audioUrl));
    expect(`${url.origin}${url.pathname}`).toBe(`https://s3.example/tales/${PATH}`);
    expect(url.searchParams.get('X-Amz-Signature')).toMatch(/^[0-9a-f]{64}$/);
    expect(others).toEqual({
      userId: 'u1',
      audioStatus: 'ready',
      audioStoragePath: PATH,
      updatedAt: Timestamp.fromMillis(1),
      text: 'Once.',
    });
    expect(await renew(id)).toEqual({ kind: 'unchanged' });
    expect((await storyOf(id))['audioUrl']).toBe(audioUrl);
  });

  it('gets it once, however many pages ask at the same time', async () => {
    const id = await newStory();
    const ends = await Promise.all(Array.from({ length: 6 }, () => renew(id)));
    expect(ends.filter(({ kind }) => kind === 'renewed')).toHaveLength(1);
  });

  it('gets the one that it is published under by now', async () => {
    const id = await newStory();
    await renew(id, { audioUrlOf: async (path) => `https://audio.example/${path}` });
    expect(await storyOf(id)).toMatchObject({ audioUrl: `https://audio.example/${PATH}` });
  });

  it('gets one for audio of a job that named no one', async () => {
    const id = await newStory({ audioStoragePath: 'private/users/unknown/stories/audio/en/s1/j1.mp3' });
    expect(await renew(id)).toEqual({ kind: 'renewed' });
  });

  it('gets one while it is narrated again: the last narration can be heard', async () => {
    const id = await newStory({ audioStatus: 'processing' });
    expect(await renew(id)).toEqual({ kind: 'renewed' });
  });
});

describe('a story keeps its address', () => {
  it.each<[string, Record<string, unknown>, Partial<RenewOptions>]>([
    ['when it was signed just now', { audioUrl: signedAt(Date.now() - 1_000) }, {}],
    ['that was never signed', { audioUrl: 'https://audio.example/a.mp3' }, {}],
    ['when nobody knows where its audio lies', { audioStoragePath: null }, {}],
    ['when its audio is said to lie outside the store', { audioStoragePath: '../etc/passwd.mp3' }, {}],
    [
      'when its audio is another person’s',
      { audioStoragePath: 'private/users/u2/stories/audio/en/s1/j1.mp3' },
      {},
    ],
    ['when there is no store here', {}, { audioUrlOf: undefined }],
  ])('%s', async (_what, fields, more) => {
    const id = await newStory(fields);
    const before = await storyOf(id);
    expect(await renew(id, more)).toEqual({ kind: 'unchanged' });
    expect(await storyOf(id)).toEqual(before);
  });

  it('when the store does not say', async () => {
    const id = await newStory();
    expect(await renew(id, { audioUrlOf: refuseToSign })).toEqual({
      kind: 'audio-store-away',
      cause: 'signBlob: 403',
    });
    expect(await storyOf(id)).toMatchObject({ audioUrl: OLD });
  });
});

describe('no one renews', () => {
  it('another’s story, or one that is not there', async () => {
    const id = await newStory();
    expect(await renew(id, {}, 'u2')).toEqual({ kind: 'no-such-story' });
    expect(await renew('ghost')).toEqual({ kind: 'no-such-story' });
    expect(await storyOf(id)).toMatchObject({ audioUrl: OLD });
  });

  it.each([
    [undefined, 'data: must be an object'],
    [{ storyId: 7 }, 'storyId: must be a string'],
    [{ storyId: '../x' }, expect.stringContaining('storyId: ')],
  ])('%j', async (data, sentence) => {
    expect(await renewAudio('u1', data, options)).toEqual({ kind: 'invalid', sentence });
  });
});
