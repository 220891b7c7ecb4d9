import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audioKey, recordingKey } from '@taleback/core/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteMyData, deleteStory, type DeletionOptions, finishDeletions } from '../src/request/deletion.ts';
import { createDeletionStore } from '../src/stories/deletions.node.ts';
import { createFolderStore } from '../src/stories/folder-store.node.ts';
import type { ObjectStore } from '../src/stories/recordings.ts';
import { publishOwed } from '../src/events/publish-owed.ts';
import { requestAudio } from '../src/request/request-audio.ts';
import { applyMessage, failureOf } from '../src/stories/apply-message.ts';
import { clientOf, type Nets, openNets } from './nets-harness.ts';
import { openRunpodApi, type RunpodApi } from './runpod-api.ts';

const HOUR_MS = 3_600_000;
const BYTES = Buffer.from('sound');

let nets: Nets;
let api: RunpodApi;
let folder: string;
let narrations: ObjectStore;
let hidden: ObjectStore;
let options: DeletionOptions;
let nowMs: number;
let next = 0;
let stories = 0;
beforeAll(async () => {
  [nets, api] = await Promise.all([openNets(), openRunpodApi()]);
});
afterAll(() => Promise.all([nets.close(), api.close()]));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-deletion-'));
  narrations = createFolderStore(join(folder, 'audio'));
  hidden = createFolderStore(join(folder, 'private'));
  nowMs = Date.now();
  const now = (): number => nowMs;
  options = {
    deletions: createDeletionStore(nets.firestore, { timeoutMs: 120_000, now }),
    narrations,
    hidden,
    runpod: clientOf(api).client,
    log: () => {},
    now,
  };
  return () => rm(folder, { recursive: true, force: true });
});

const newUser = (): string => {
  next += 1;
  return `user-${next}`;
};
const audioOf = (userId: string, storyId: string, version: string): string =>
  audioKey({ userId, storyId, language: 'en', version });
const filesOf = async (): Promise<string[]> =>
  (await Promise.all([narrations.list(''), hidden.list('')])).flat().sort();
const documentsOf = async (...ids: string[]): Promise<string[]> => {
  const { firestore } = nets;
  const names = ['stories', 'ttsUsage', 'ttsOwedEvents', 'ttsReplays', 'ttsVoices'];
  const queries = [
    ...names.map((name) => firestore.collection(name)),
    firestore.collectionGroup('audioAttempts'),
  ];
  const found = await Promise.all(queries.map((query) => query.get()));
  return found
    .flatMap(({ docs }) => docs)
    .filter((document) =>
      ids.some((id) => `${document.ref.path} ${JSON.stringify(document.data())}`.includes(id)),
    )
    .map(({ ref }) => ref.path);
};

const letterOf = (storyId: string): string => `failed_callbacks/2026-11-30/${storyId}-1.json`;

/** A story under way at RunPod, with everything that can belong to one. */
const openStory = async (userId: string) => {
  stories += 1;
  const recording = recordingKey({ userId, bytes: Buffer.from(`voice ${stories}`), nowMs });
  const storyId = await nets.newStory({ userId, audioJobExtras: { recording_path: recording } });
  const answer = await requestAudio('request', userId, { storyId }, nets.requests);
  const jobId = answer.kind === 'opened' ? String(answer.jobId) : '';
  const runpodJobId = `rp-of-${jobId}`;
  const { firestore } = nets;
  const batch = firestore.batch();
  batch.update(firestore.doc(`stories/${storyId}/audioAttempts/${jobId}`), { runpodJobId });
  batch.set(firestore.doc(`ttsOwedEvents/${jobId}`), { event: { subject: storyId, data: { userId } } });
  batch.set(firestore.doc(`ttsReplays/${jobId}`), { jobId });
  batch.set(firestore.doc(`ttsUsage/${userId}`), { underWay: { [jobId]: nowMs } }, { merge: true });
  await batch.commit();
  const audio = [audioOf(userId, storyId, jobId), audioOf(userId, storyId, runpodJobId)];
  await Promise.all([
    ...audio.flatMap((key) => [narrations.write(key, BYTES), narrations.write(`${key}.json`, BYTES)]),
    hidden.write(recording, BYTES),
    hidden.write(letterOf(storyId), BYTES),
  ]);
  return { storyId, jobId, runpodJobId, recording, audio };
};

describe('deleteStory', () => {
  it('ends the job and removes everything of the story, and nothing of another', async () => {
    const [userId, other] = [newUser(), newUser()];
    const [story, neighbour, foreign] = await Promise.all([
      openStory(userId),
      openStory(userId),
      openStory(other),
    ]);
    api.calls.length = 0;
    expect(await deleteStory(userId, { storyId: story.storyId }, options)).toEqual({ kind: 'deleted' });
    expect(await documentsOf(story.storyId, story.jobId)).toEqual([]);
    expect((await filesOf()).filter((key) => key.includes(story.storyId) || key === story.recording)).toEqual(
      [],
    );
    expect(api.calls.map(({ path }) => path)).toEqual([`/v2/ep/cancel/${story.runpodJobId}`]);
    for (const { storyId, jobId, audio, recording } of [neighbour, foreign]) {
      expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'pending' });
      expect(await documentsOf(jobId)).toHaveLength(5);
      expect(await filesOf()).toEqual(expect.arrayContaining([...audio, recording]));
    }
    expect(await deleteStory(userId, { storyId: story.storyId }, options)).toEqual({ kind: 'deleted' });
  });

  it('is refused for the story of another person, as for one that does not exist', async () => {
    const { storyId } = await openStory(newUser());
    for (const id of [storyId, 'nothing'])
      expect(await deleteStory(newUser(), { storyId: id }, options)).toEqual({ kind: 'no-such-story' });
    expect(await deleteStory('u1', { storyId: 'a/b' }, options)).toMatchObject({
      kind: 'invalid',
      sentence: expect.stringMatching(/^storyId: /),
    });
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'pending' });
  });

  it('leaves nothing for a callback that comes later, nor the audio', async () => {
    const userId = newUser();
    const { storyId, jobId, audio } = await openStory(userId);
    await deleteStory(userId, { storyId }, options);
    const message = failureOf('unknown', { jobId, details: undefined });
    const late = { storyId, jobId, message, source: 'callback' } as const;
    expect(await applyMessage(late, { ...nets.same, stories: nets.stories })).toEqual({
      kind: 'no-such-story',
      wasDeleted: true,
    });
    for (const afterMs of [HOUR_MS, 25 * HOUR_MS]) {
      await narrations.write(audio[1] ?? '', BYTES);
      nowMs += afterMs;
      await finishDeletions(options);
      expect((await filesOf()).filter((key) => key.includes(storyId))).toEqual([]);
    }
  });

  it('spares the callbacks of a story whose id begins with the same characters', async () => {
    const userId = newUser();
    const { storyId } = await openStory(userId);
    const other = `failed_callbacks/2026-11-30/${storyId}-2-1.json`;
    await hidden.write(other, BYTES);
    await deleteStory(userId, { storyId }, options);
    expect((await hidden.list('failed_callbacks/')).filter((key) => key.includes(storyId))).toEqual([other]);
  });

  it('spares a story that got the same id afterwards', async () => {
    const userId = newUser();
    const { storyId } = await openStory(userId);
    await deleteStory(userId, { storyId }, options);
    await nets.firestore.doc(`stories/${storyId}`).set({ userId });
    await nets.firestore.doc(`stories/${storyId}/audioAttempts/new`).set({ number: 1 });
    await narrations.write(audioOf(userId, storyId, 'new'), BYTES);
    nowMs += HOUR_MS;
    await finishDeletions(options);
    expect(await filesOf()).toContain(audioOf(userId, storyId, 'new'));
    expect(await nets.attempt(storyId, 'new')).toEqual({ number: 1 });
  });
});

const publishing = (publish: () => Promise<void>) => ({
  ...nets.same.publishing,
  events: { publish },
});
const cancelledOf = async (storyId: string): Promise<unknown[]> => {
  const { docs } = await nets.firestore.collection('ttsOwedEvents').get();
  const events = docs.map((document) => document.get('event') as { subject: string; type?: string });
  return events.filter(({ subject, type }) => subject === storyId && type?.endsWith('cancelled'));
};

describe('the event of a deletion', () => {
  it('says that the narration under way is cancelled, and outlives the rest until it is published', async () => {
    const userId = newUser();
    const { storyId, jobId } = await openStory(userId);
    const away = { ...options, publishing: publishing(() => Promise.reject(new Error('Pub/Sub is away'))) };
    await deleteStory(userId, { storyId }, away);
    await deleteMyData(userId, away);
    const data = { storyId, userId, jobId, status: 'cancelled', attempt: 1, sequence: 1 };
    expect(await cancelledOf(storyId)).toMatchObject([{ data }]);
    await publishOwed({ ...nets.owing, now: () => Date.now() + HOUR_MS });
    await expect
      .poll(() => nets.kept.events.filter(({ data: event }) => event.subject === storyId))
      .toHaveLength(1);
    expect(await documentsOf(storyId)).toEqual([]);
  });

  it('is none when nothing is under way', async () => {
    const userId = newUser();
    const storyId = await nets.newStory({ userId, audioStatus: 'ready' });
    let published = 0;
    const count = async (): Promise<void> => void (published += 1);
    await deleteStory(userId, { storyId }, { ...options, publishing: publishing(count) });
    expect(published).toBe(0);
  });
});

/** The options, whose call of that number fails, as when the process dies there. */
const failingAt = (number: number): { readonly broken: DeletionOptions; readonly calls: () => number } => {
  let calls = 0;
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name) => {
        const method: unknown = Reflect.get(object, name);
        if (typeof method !== 'function') return method;
        return async (...values: unknown[]): Promise<unknown> => {
          calls += 1;
          if (calls === number) throw new Error('the process died');
          return Reflect.apply(method, object, values);
        };
      },
    });
  const broken = {
    ...options,
    deletions: wrap(options.deletions),
    narrations: wrap(narrations),
    hidden: wrap(hidden),
  };
  return { broken, calls: () => calls };
};

describe('a deletion that is interrupted', () => {
  it('is finished by the sweep, wherever that was', async () => {
    const deleteWith = async ({ broken }: ReturnType<typeof failingAt>) => {
      const userId = newUser();
      const { storyId, jobId, recording } = await openStory(userId);
      const { kind } = await deleteStory(userId, { storyId }, broken);
      return { kind, ids: [storyId, jobId, recording] };
    };
    const whole = failingAt(Number.POSITIVE_INFINITY);
    expect(await deleteWith(whole)).toMatchObject({ kind: 'deleted' });
    const steps = Array.from({ length: whole.calls() - 1 }, (_, index) => index + 2);
    const deleted = await Promise.all(steps.map((step) => deleteWith(failingAt(step))));
    expect(new Set(deleted.map(({ kind }) => kind))).toEqual(new Set(['under-way']));
    nowMs += 61_000;
    // Twenty at once.
    for (let left = steps.length; left > 0; left -= 20) await finishDeletions(options);
    const ids = deleted.flatMap((one) => one.ids);
    expect(await documentsOf(...ids)).toEqual([]);
    expect((await filesOf()).filter((key) => ids.some((id) => key.includes(id)))).toEqual([]);
  });
});

describe('deleteMyData', () => {
  it('removes everything of the person, and nothing of another', async () => {
    const [userId, other] = [newUser(), newUser()];
    const [earlier] = await Promise.all(Array.from({ length: 3 }, () => openStory(userId)));
    const foreign = await openStory(other);
    await deleteStory(userId, { storyId: earlier?.storyId }, options);
    // A callback about a deleted story is given up days later.
    await hidden.write(letterOf(String(earlier?.storyId)), BYTES);
    const voice = nets.firestore.doc('ttsVoices/elevenlabs:mum');
    await voice.set({ voiceId: 'mum', access: { owner: userId } });
    await hidden.write(`private/users/${userId}/voices/ann.wav`, BYTES);
    await narrations.write(`private/users/${userId}/tide.mp3`, BYTES);
    const { broken } = failingAt(12);
    expect(await deleteMyData(userId, broken)).toEqual({ kind: 'under-way' });
    nowMs += 61_000;
    await finishDeletions(options);
    await finishDeletions(options);
    expect(await documentsOf(userId)).toEqual([]);
    // No one may use the voice; without an entry it would pass for other servers.
    expect((await voice.get()).data()).toEqual({ voiceId: 'mum', access: 'closed', isDecided: true });
    const left = (key: string) => key.includes(`/${userId}/`) || key === letterOf(String(earlier?.storyId));
    expect((await filesOf()).filter(left)).toEqual([]);
    expect(await documentsOf(foreign.jobId)).toHaveLength(5);
    expect(await filesOf()).toEqual(expect.arrayContaining([...foreign.audio, foreign.recording]));
    expect(await deleteMyData(userId, options)).toEqual({ kind: 'deleted' });
  });
});
