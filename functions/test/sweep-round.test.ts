import { once } from 'node:events';
import { createNames } from '@taleback/core';
import { GeoPoint } from 'firebase-admin/firestore';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReceiver } from '../src/http/router.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { type SweepOptions, sweepStories } from '../src/sweep/sweep.ts';
import { clientOf, type Nets, openNets } from './nets-harness.ts';
import { openRunpodApi, type RunpodApi } from './runpod-api.ts';

const MINUTE_MS = 60_000;
const SUCCESS = { status: 'success', audio_url: 'https://a.test/x.mp3' };

let nets: Nets;
let api: RunpodApi;
beforeAll(async () => {
  api = await openRunpodApi();
});
afterAll(() => api.close());
// Each sweep sees every story, so each test has a project of its own.
beforeEach(async () => {
  nets = await openNets();
  return () => nets.close();
});

const sweepWith = (more: Partial<SweepOptions> = {}) =>
  sweepStories({
    ...nets.same,
    stories: nets.stories,
    runpod: clientOf(api).client,
    findAudio: undefined,
    requests: { ...nets.requests, ...(more.now === undefined ? {} : { now: more.now }) },
    ...more,
  });
const later = (minutes: number) => ({ now: () => Date.now() + minutes * MINUTE_MS });
const millis = (value: unknown): number => (value as { toMillis(): number }).toMillis();
const storiesOf = (count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => nets.newStory({ audioStatus: 'pending' })));
const statusesOf = async (ids: readonly string[]): Promise<Set<unknown>> =>
  new Set(await Promise.all(ids.map(async (id) => (await nets.story(id))['audioStatus'])));
const attemptOf = (storyId: string, jobId: string, fields: Record<string, unknown>) =>
  nets.firestore.doc(`stories/${storyId}/audioAttempts/${jobId}`).set({ jobId, number: 1, ...fields });

/** Values that are no time as Firestore keeps it. */
const NO_TIMES: readonly [string, unknown][] = [
  ['null', null],
  ['false', false],
  ['NaN', Number.NaN],
  ['a number of milliseconds', Date.now() + MINUTE_MS],
  ['a number of seconds', 1_700_000_000],
  ['a negative number', -1],
  ['ISO 8601', new Date(Date.now() + MINUTE_MS).toISOString()],
  ['empty text', ''],
  ['a timestamp as JSON', { _seconds: 1_700_000_000, _nanoseconds: 0 }],
  ['an empty map', {}],
  ['an array', [1]],
  ['bytes', Buffer.from('now')],
  ['a place', new GeoPoint(1, 2)],
  ['a time of the far future', new Date('9999-12-31T00:00:00Z')],
];

describe('a story under way without a usable lease', () => {
  it('gets one, whatever its fields contain, and ends when that expires', async () => {
    const none: readonly [string, unknown][] = [['missing', undefined], ...NO_TIMES];
    const stories = await Promise.all(
      none.flatMap(([what, value]) =>
        ['pending', 'processing'].map(async (audioStatus) => {
          const times = { audioLeaseExpiresAt: value, updatedAt: value, audioRetryAt: value };
          const fields = value === undefined ? { audioStatus } : { audioStatus, ...times };
          return { what: `${audioStatus}, ${what}`, id: await nets.newStory(fields) };
        }),
      ),
    );
    const startedAtMs = Date.now();
    expect(await sweepWith()).toMatchObject({ leased: stories.length, ended: 0 });
    for (const { what, id } of stories) {
      const leaseMs = millis((await nets.story(id))['audioLeaseExpiresAt']) - startedAtMs;
      expect(leaseMs, what).toBeGreaterThanOrEqual(15 * MINUTE_MS);
      expect(leaseMs, what).toBeLessThan(20 * MINUTE_MS);
    }
    expect(await sweepWith(later(14))).toMatchObject({ leased: 0, ended: 0 });
    expect(await sweepWith(later(20))).toMatchObject({ leased: 0, ended: stories.length });
    for (const { what, id } of stories)
      expect(await nets.story(id), what).toMatchObject({
        audioStatus: 'failed',
        audioErrorCode: 'lease_expired',
        audioErrorRetryable: true,
      });
  });

  it('gets one whatever its job is called', async () => {
    const ids = await Promise.all(
      ['a/b', '', 7, null, 'x'.repeat(2_000)].map((audioJobId) =>
        nets.newStory({ audioStatus: 'pending', audioJobId }),
      ),
    );
    expect(await sweepWith()).toMatchObject({ leased: ids.length });
    expect(await sweepWith(later(16))).toMatchObject({ ended: ids.length });
    expect(await statusesOf(ids)).toEqual(new Set(['failed']));
  });

  it.each([
    ['is ready', { audioStatus: 'ready' }],
    ['failed', { audioStatus: 'failed' }],
    ['has a lease', { audioStatus: 'pending', audioLeaseExpiresAt: new Date(Date.now() + MINUTE_MS * 60) }],
    ['was never asked for', {}],
  ])('is none when it %s', async (_what, fields) => {
    const id = await nets.newStory(fields);
    const before = await nets.story(id);
    expect(await sweepWith()).toMatchObject({ leased: 0 });
    expect(await nets.story(id)).toEqual(before);
  });

  it('keeps the lease of a worker that reports at the same moment', async () => {
    const id = await nets.newStory({ audioStatus: 'pending', audioLeaseExpiresAt: 'soon' });
    const lease = new Date(Date.now() + MINUTE_MS);
    const stories: SweepOptions['stories'] = {
      ...nets.stories,
      listNextInRound: async (limit) => {
        const page = await nets.stories.listNextInRound(limit);
        await nets.firestore.doc(`stories/${id}`).update({ audioLeaseExpiresAt: lease });
        return page;
      },
    };
    expect(await sweepWith({ stories })).toMatchObject({ leased: 0, moved: 1 });
    expect(millis((await nets.story(id))['audioLeaseExpiresAt'])).toBe(lease.getTime());
  });
});

describe('the round through the stories under way', () => {
  const { sweepRound } = createNames().documents;

  it('takes 200 at a time, and starts again after the last one', async () => {
    await storiesOf(230);
    expect(await sweepWith()).toMatchObject({ leased: 200 });
    const first = nets.firestore.doc('stories/a-first');
    await first.set({ audioStatus: 'pending' });
    expect(await sweepWith()).toMatchObject({ leased: 30 });
    expect(await sweepWith()).toMatchObject({ leased: 1 });
    expect((await first.get()).data()).toHaveProperty('audioLeaseExpiresAt');
  });

  it('goes on after a crash, and comes back to those that it left', async () => {
    await storiesOf(25);
    await nets.stories.listNextInRound(10);
    const leased = [];
    for (let sweeps = 0; sweeps < 4; sweeps += 1) leased.push((await sweepWith({ roundSize: 10 })).leased);
    expect(leased).toEqual([10, 5, 10, 0]);
  });

  it.each([
    ['a number', 5],
    ['null', null],
    ['empty text', ''],
    ['a path', 'a/b'],
    ['a map', { after: 'x' }],
    ['a story that is gone', 'story-00'],
  ])('starts somewhere when its place is %s', async (_what, after) => {
    const ids = await storiesOf(3);
    await nets.firestore.doc(sweepRound).set({ after });
    expect(await sweepWith()).toMatchObject({ leased: 3 });
    for (const id of ids) expect(await nets.story(id)).toHaveProperty('audioLeaseExpiresAt');
  });

  it('is not held up by a story that is locked', async () => {
    const ids = await storiesOf(12);
    const locked = nets.firestore.doc(`stories/${ids[0]}`);
    const holding = new AbortController();
    let held: Promise<unknown> = Promise.resolve();
    await new Promise<void>((resolve) => {
      held = nets.firestore.runTransaction(async (transaction) => {
        await transaction.get(locked);
        resolve();
        await once(holding.signal, 'abort');
      });
    });
    const stories = createFirestoreStories(nets.firestore, { timeoutMs: 3_000 });
    expect(await sweepWith({ stories, roundSize: 6 })).toMatchObject({ leased: 5, 'store-away': 1 });
    expect(await sweepWith({ stories, roundSize: 6 })).toMatchObject({ leased: 6 });
    holding.abort();
    await held;
    await sweepWith({ roundSize: 20 });
    await sweepWith({ roundSize: 20 });
    expect(await nets.story(String(ids[0]))).toHaveProperty('audioLeaseExpiresAt');
  });

  it('is not held up by a story that breaks the sweep, or by one without room for a lease', async () => {
    const [broken, ...ids] = await storiesOf(4);
    await nets.newStory({ audioStatus: 'pending', filler: 'x'.repeat(1_048_200) });
    const stories: SweepOptions['stories'] = {
      ...nets.stories,
      apply: async (target, decide) => {
        if (target.storyId === broken) throw new Error('broken');
        return nets.stories.apply(target, decide);
      },
    };
    await sweepWith({ stories });
    for (const id of ids) expect(await nets.story(id)).toHaveProperty('audioLeaseExpiresAt');
  });

  it('gives each story one lease and one end in two sweeps at once', async () => {
    const ids = await storiesOf(20);
    const first = await Promise.all([sweepWith(), sweepWith()]);
    expect(first.reduce((sum, { leased }) => sum + leased, 0)).toBe(20);
    const second = await Promise.all([sweepWith(later(16)), sweepWith(later(16))]);
    expect(second.reduce((sum, { ended }) => sum + ended, 0)).toBe(20);
    expect(await statusesOf(ids)).toEqual(new Set(['failed']));
    for (const id of ids) expect(await nets.story(id)).toMatchObject({ audioEventSequence: 1 });
  });
});

describe('a failed story whose retry time is no time', () => {
  it('waits for a person, and its event is final', async () => {
    const failed = { audioStatus: 'failed', audioErrorCode: 'timed_out', audioAttempt: 1 };
    const odd = NO_TIMES.filter(([, value]) => value !== null && typeof value !== 'number');
    odd.push(['NaN', Number.NaN]);
    const ids = await Promise.all(odd.map(([, audioRetryAt]) => nets.newStory({ ...failed, audioRetryAt })));
    const without = await nets.newStory({ ...failed, audioRetryAt: null });
    await Promise.all([sweepWith(), sweepWith()]);
    for (const [index, id] of ids.entries()) {
      const story = await nets.story(id);
      expect(story, odd[index]?.[0]).toMatchObject({ audioStatus: 'failed', audioEventSequence: 1 });
      expect(story, odd[index]?.[0]).not.toHaveProperty('audioRetryAt');
    }
    expect(await nets.story(without)).toMatchObject({ audioRetryAt: null });
  });

  it('is retried when a number of milliseconds says so', async () => {
    const failed = { audioStatus: 'failed', audioAttempt: 1 };
    const due = await nets.newStory({ ...failed, audioRetryAt: Date.now() - 1_000 });
    const soon = await nets.newStory({ ...failed, audioRetryAt: Date.now() + 5 * MINUTE_MS });
    expect(await sweepWith()).toMatchObject({ retried: 1 });
    expect(await nets.story(due)).toMatchObject({ audioStatus: 'pending', audioAttempt: 2 });
    expect(await nets.story(soon)).toMatchObject({ audioStatus: 'failed' });
    expect(await sweepWith(later(6))).toMatchObject({ retried: 1 });
  });
});

/** One message to the receiver. */
const post = async (route: string, body: object): Promise<number> => {
  const receiver = createReceiver({
    ...nets.same,
    stories: nets.stories,
    runpod: clientOf(api).client,
    signatures: 'off',
    secrets: { standard: [], hmac: [] },
    hmacHeaderPrefix: 'taleback',
  });
  const headers = new Headers({ 'content-type': 'application/json' });
  const request = { method: 'POST', search: '', headers, body: Buffer.from(JSON.stringify(body)) };
  return (await receiver({ path: `/api/tts/${route}`, ...request })).status;
};

const setBack = async (fields: Record<string, unknown> = {}): Promise<string> => {
  const id = await nets.newStory({
    audioStatus: 'pending',
    audioJobId: 'A',
    audioAttempt: 1,
    audioContentHash: 'h',
    ...fields,
  });
  await attemptOf(id, 'A', { status: 'failed', contentHash: 'h' });
  return id;
};

describe('a story that another app set back', () => {
  it('loses its job with the sweep, and is ended by the job of the app', async () => {
    const id = await setBack();
    expect(await sweepWith()).toMatchObject({ leased: 1 });
    expect(await nets.story(id)).toMatchObject({ audioStatus: 'pending', audioContentHash: 'h' });
    expect(await nets.story(id)).not.toHaveProperty('audioJobId');
    expect(await post('callback', { story_id: id, job_id: 'B', audio_url: SUCCESS.audio_url })).toBe(200);
    expect(await nets.story(id)).toMatchObject({ audioStatus: 'ready', audioJobId: 'B' });
  });

  it('has the time of a waiting job after a repetition of the old end', async () => {
    const id = await setBack();
    expect(await post('error-callback', { story_id: id, job_id: 'A', error: 'again' })).toBe(200);
    expect(await nets.story(id)).not.toHaveProperty('audioJobId');
    expect(await sweepWith()).toMatchObject({ leased: 1 });
    expect(await sweepWith(later(14))).toMatchObject({ ended: 0 });
    expect(await nets.story(id)).toMatchObject({ audioStatus: 'pending' });
  });

  it('ends without a job when no app narrates it', async () => {
    const id = await setBack();
    await sweepWith();
    expect(await sweepWith(later(16))).toMatchObject({ ended: 1 });
    expect(await nets.story(id)).toMatchObject({ audioStatus: 'failed', audioErrorCode: 'lease_expired' });
    expect(await nets.story(id)).not.toHaveProperty('audioJobId');
    expect(await nets.attempt(id, 'A')).not.toHaveProperty('transitions');
  });

  it.each([
    ['runs no more', undefined],
    ['failed', { status: 'FAILED', error: 'disk full' }],
    ['completed', { status: 'COMPLETED', output: SUCCESS }],
  ])('ends when it has a lease and its old job at RunPod %s', async (what, report) => {
    const runpodJobId = `rp-${what}`;
    if (report !== undefined) api.jobs.set(runpodJobId, { id: runpodJobId, ...report });
    const audioLeaseExpiresAt = new Date(Date.now() - MINUTE_MS);
    const id = await setBack({ audioRunpodJobId: runpodJobId, audioLeaseExpiresAt });
    await sweepWith();
    await sweepWith();
    const expected = report?.status === 'COMPLETED' ? 'ready' : 'failed';
    expect(await nets.story(id)).toMatchObject({ audioStatus: expected });
  });
});

const failedAtRunpod = async (retryAtMs: number) => {
  const runpodJobId = `rp-again-${retryAtMs}`;
  const id = await nets.newStory({
    audioStatus: 'failed',
    audioJobId: 'j1',
    audioRunpodJobId: runpodJobId,
    audioAttempt: 1,
    audioErrorCode: 'timed_out',
    audioRetryAt: new Date(retryAtMs),
  });
  await attemptOf(id, 'j1', { status: 'failed', runpodJobId });
  api.jobs.set(runpodJobId, { id: runpodJobId, status: 'IN_PROGRESS' });
  return { id, runpodJobId };
};

describe("RunPod's own retry of a job that failed", () => {
  const running = { audioStatus: 'processing', audioJobId: 'j1', audioAttempt: 1 };

  it('moves the story by its progress, and no attempt is opened beside it', async () => {
    const { id } = await failedAtRunpod(Date.now() + MINUTE_MS);
    expect(await post('progress', { story_id: id, job_id: 'j1', stage: 'encoding', progress: 0.4 })).toBe(
      200,
    );
    expect(await nets.story(id)).toMatchObject({ ...running, audioProgress: 0.4 });
    expect(await nets.story(id)).not.toHaveProperty('audioRetryAt');
    expect(await nets.attempt(id, 'j1')).toMatchObject({ status: 'processing' });
    expect(await sweepWith(later(1.5))).toMatchObject({ retried: 0, ended: 0 });
    expect(await post('callback', { story_id: id, job_id: 'j1', ...SUCCESS })).toBe(200);
    expect(await nets.story(id)).toMatchObject({ ...running, audioStatus: 'ready' });
  });

  it('is noticed by the sweep when its retry is due, and followed to its end', async () => {
    const { id, runpodJobId } = await failedAtRunpod(Date.now() - 1_000);
    expect(await sweepWith()).toMatchObject({ retried: 0, renewed: 1 });
    expect(await nets.story(id)).toMatchObject(running);
    api.jobs.set(runpodJobId, { id: runpodJobId, status: 'COMPLETED', output: SUCCESS });
    expect(await sweepWith(later(3))).toMatchObject({ retried: 0, ended: 1 });
    expect(await nets.story(id)).toMatchObject({ ...running, audioStatus: 'ready' });
  });
});
