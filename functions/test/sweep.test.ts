import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { requestAudio } from '../src/request/request-audio.ts';
import { createAudioFinder, publishedAudioPlace } from '../src/sweep/find-audio.ts';
import { type SweepOptions, sweepStories } from '../src/sweep/sweep.ts';
import { clientOf, type Nets, openNets } from './nets-harness.ts';
import { openRunpodApi, type RunpodApi } from './runpod-api.ts';

const MINUTE_MS = 60_000;
const SUCCESS = { status: 'success', audio_url: 'https://a.test/x.mp3', storage_path: 'p/x.mp3' };

let nets: Nets;
let api: RunpodApi;
beforeAll(async () => {
  api = await openRunpodApi();
});
afterAll(() => api.close());
// Each sweep sees every story, so each test has a project of its own.
beforeEach(async () => {
  nets = await openNets();
  api.script.length = 0;
  api.calls.length = 0;
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

let next = 0;
/** A story under way whose lease ended a minute ago. */
const overdueStory = async (fields: Record<string, unknown> = {}) => {
  next += 1;
  const jobId = `job-${next}`;
  const storyId = await nets.newStory({
    audioStatus: 'processing',
    audioJobId: jobId,
    audioAttempt: 1,
    audioLeaseExpiresAt: new Date(Date.now() - MINUTE_MS),
    updatedAt: new Date(Date.now() - MINUTE_MS),
    ...fields,
  });
  await nets.firestore
    .doc(`stories/${storyId}/audioAttempts/${jobId}`)
    .set({ jobId, number: 1, status: fields['audioStatus'] ?? 'processing' });
  return { storyId, jobId };
};
const atRunpod = async (
  report: Record<string, unknown> | undefined,
  fields: Record<string, unknown> = {},
) => {
  const story = await overdueStory({ audioRunpodJobId: `rp-of-${next + 1}`, ...fields });
  const id = `rp-of-${next}`;
  if (report !== undefined) api.jobs.set(id, { id, ...report });
  return story;
};
const millis = (value: unknown): number => (value as { toMillis(): number }).toMillis();

describe('a job past its lease', () => {
  it('has failed, and waits to be tried again automatically', async () => {
    const { storyId, jobId } = await overdueStory();
    expect(await sweepWith()).toMatchObject({ ended: 1 });
    const story = await nets.story(storyId);
    expect(story).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'lease_expired',
      audioErrorRetryable: true,
      audioErrorDetails: 'no sign of life; its worker fell silent',
    });
    expect(story).not.toHaveProperty('audioLeaseExpiresAt');
    expect(millis(story['audioRetryAt'])).toBeGreaterThan(Date.now() + MINUTE_MS / 2);
    expect(await nets.attempt(storyId, jobId)).toMatchObject({
      transitions: { failed: { source: 'sweeper' } },
    });
    expect(await sweepWith()).toMatchObject({ ended: 0, retried: 0 });
  });

  it.each([
    ['is ready', { audioStatus: 'ready' }],
    ['failed', { audioStatus: 'failed' }],
    ['has its lease', { audioLeaseExpiresAt: new Date(Date.now() + 10 * MINUTE_MS) }],
  ])('is none when it %s', async (_what, fields) => {
    const { storyId } = await overdueStory(fields);
    const before = await nets.story(storyId);
    await sweepWith();
    expect(await nets.story(storyId)).toEqual(before);
  });

  it('is found among many, over several pages', async () => {
    const stories = await Promise.all(Array.from({ length: 25 }, () => overdueStory()));
    expect(await sweepWith({ pageSize: 4 })).toMatchObject({ ended: 25 });
    const statuses = await Promise.all(
      stories.map(async ({ storyId }) => (await nets.story(storyId))['audioStatus']),
    );
    expect(new Set(statuses)).toEqual(new Set(['failed']));
  });

  it('ends in few words when the story has no room for more', async () => {
    const report = { status: 'FAILED', error: `CUDA out of memory\ntraceback: ${'x'.repeat(3_000)}` };
    const { storyId } = await atRunpod(report, { filler: 'x'.repeat(1_039_000) });
    await sweepWith();
    const story = await nets.story(storyId);
    expect(story).toMatchObject({ audioStatus: 'failed', audioErrorCode: 'gpu_out_of_memory' });
    expect((story['audioErrorDetails'] as string | undefined) ?? '').toSatisfy(
      (words: string) => words.length < 2_000,
    );
  });

  it('is left for the next sweep when time is up', async () => {
    await Promise.all(Array.from({ length: 6 }, () => overdueStory()));
    let nowMs = Date.now();
    const now = (): number => {
      nowMs += 1_000;
      return nowMs;
    };
    expect(await sweepWith({ roundSize: 2, budgetMs: 1, now })).toMatchObject({ ended: 2 });
    expect(await sweepWith({ pageSize: 2 })).toMatchObject({ ended: 4 });
  });

  it('is ended although another user holds locks on stories that waited longer', async () => {
    const locked = await Promise.all(Array.from({ length: 30 }, () => overdueStory({ userId: 'hostile' })));
    const honest = await overdueStory({ audioLeaseExpiresAt: new Date(Date.now() - 1_000) });
    const order: (string | undefined)[] = [];
    const apply: typeof nets.stories.apply = async (target, decision) => {
      order.push(target.storyId);
      const isLocked = locked.some(({ storyId }) => storyId === target.storyId);
      return isLocked ? { kind: 'store-away', cause: 'locked' } : nets.stories.apply(target, decision);
    };
    const report = await sweepWith({ pageSize: 12, roundSize: 12, stories: { ...nets.stories, apply } });
    // Each locked story has had one turn, and all but the first ten came after the honest one.
    expect(report).toMatchObject({ ended: 1, 'store-away': 30 });
    expect(order.indexOf(honest.storyId)).toBeLessThanOrEqual(20);
    expect(new Set(order).size).toBe(order.length);
  });

  it('is ended once by two sweeps at the same time', async () => {
    const stories = await Promise.all(Array.from({ length: 8 }, () => overdueStory()));
    const [one, other] = await Promise.all([sweepWith(), sweepWith()]);
    expect(one.ended + other.ended).toBe(8);
    for (const { storyId } of stories)
      expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'failed' });
  });

  it('lives on when it reports while the sweep looks at it', async () => {
    const { storyId } = await overdueStory();
    const lease = new Date(Date.now() + MINUTE_MS);
    const findAudio: SweepOptions['findAudio'] = async () => {
      await nets.firestore.doc(`stories/${storyId}`).update({ audioLeaseExpiresAt: lease });
      return { kind: 'absent' };
    };
    expect(await sweepWith({ findAudio })).toMatchObject({ ended: 0, moved: 1 });
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'processing' });
  });

  it('does not keep the others waiting when it breaks the sweep', async () => {
    const [broken, whole] = [await overdueStory(), await overdueStory()];
    const findAudio: SweepOptions['findAudio'] = async ({ storyId }) => {
      if (storyId === broken.storyId) throw new Error('broken');
      return { kind: 'absent' };
    };
    expect(await sweepWith({ findAudio })).toMatchObject({ ended: 1 });
    expect(await nets.story(whole.storyId)).toMatchObject({ audioStatus: 'failed' });
  });
});

describe('a job past its lease that RunPod has', () => {
  it.each([
    [
      'completed',
      { status: 'COMPLETED', output: SUCCESS },
      { audioStatus: 'ready', audioUrl: SUCCESS.audio_url },
    ],
    [
      'completed without audio',
      { status: 'COMPLETED' },
      { audioStatus: 'failed', audioErrorCode: 'audio_missing' },
    ],
    [
      'failed',
      { status: 'FAILED', error: 'disk full' },
      { audioStatus: 'failed', audioErrorCode: 'disk_full' },
    ],
    ['timed out', { status: 'TIMED_OUT' }, { audioStatus: 'failed', audioErrorCode: 'timed_out' }],
    ['is no longer known', undefined, { audioStatus: 'failed', audioErrorCode: 'lease_expired' }],
  ])('has %s', async (_what, report, expected) => {
    const { storyId, jobId } = await atRunpod(report);
    expect(await sweepWith()).toMatchObject({ ended: 1 });
    expect(await nets.story(storyId)).toMatchObject(expected);
    const { audioStatus } = expected;
    expect(await nets.attempt(storyId, jobId)).toMatchObject({
      transitions: { [audioStatus]: { source: 'sweeper' } },
    });
  });

  it.each(['private/users/somebody-else/stories/audio/en/s/j.mp3', 'p/../x.mp3'])(
    'failed when the audio that RunPod names is not its own: %s',
    async (storage_path) => {
      const { storyId } = await atRunpod({ status: 'COMPLETED', output: { ...SUCCESS, storage_path } });
      expect(await sweepWith()).toMatchObject({ ended: 1 });
      const story = await nets.story(storyId);
      expect(story).toMatchObject({ audioStatus: 'failed', audioErrorCode: 'audio_missing' });
      expect(story).not.toHaveProperty('audioStoragePath');
    },
  );

  it.each([
    ['IN_QUEUE', 'pending', 900_000],
    ['IN_PROGRESS', 'processing', 120_000],
  ])('gets a new lease while it is %s', async (status, audioStatus, leaseMs) => {
    const { storyId } = await atRunpod({ status }, { audioStatus });
    const sweptAt = Date.now();
    expect(await sweepWith()).toMatchObject({ renewed: 1 });
    const story = await nets.story(storyId);
    expect(story).toMatchObject({ audioStatus });
    expect(millis(story['audioLeaseExpiresAt'])).toBeGreaterThanOrEqual(sweptAt + leaseMs);
  });

  it.each([
    ['away', [{ status: 503 }, { status: 503 }, { status: 503 }, { status: 503 }]],
    ['refusing the key', [{ status: 401 }]],
    ['answering nonsense', [{ status: 200, body: { what: 1 } }]],
  ])('is left for the next sweep while RunPod is %s, but not for ever', async (_what, answers) => {
    const { storyId } = await atRunpod({ status: 'COMPLETED', output: SUCCESS });
    const before = await nets.story(storyId);
    api.script.push(...answers);
    expect(await sweepWith()).toMatchObject({ left: 1 });
    expect(await nets.story(storyId)).toEqual(before);
    api.script.push(...answers);
    expect(await sweepWith({ now: () => Date.now() + 31 * MINUTE_MS })).toMatchObject({ ended: 1 });
    expect(await nets.story(storyId)).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'lease_expired',
    });
  });
});

describe('a job past its lease whose audio was made', () => {
  const BASE = 'https://audio.test';
  const finder = (status: number, asked: string[] = []) =>
    createAudioFinder(
      publishedAudioPlace(BASE, async (url) => {
        asked.push(url);
        return { status, contentType: 'audio/mpeg', sizeBytes: 9 };
      }),
    );

  it('is ready, though its callback was lost', async () => {
    const { storyId, jobId } = await overdueStory();
    const asked: string[] = [];
    expect(await sweepWith({ findAudio: finder(200, asked) })).toMatchObject({ ended: 1 });
    const path = `private/users/u1/stories/audio/en/${storyId}/${jobId}.mp3`;
    expect(asked).toEqual([`${BASE}/${path}`]);
    expect(await nets.story(storyId)).toMatchObject({
      audioStatus: 'ready',
      audioUrl: `${BASE}/${path}`,
      audioStoragePath: path,
    });
  });

  it('has failed when there is none', async () => {
    const { storyId } = await overdueStory();
    await sweepWith({ findAudio: finder(404) });
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'failed' });
  });

  it('is left while the store does not answer, but not for ever', async () => {
    const { storyId } = await overdueStory();
    expect(await sweepWith({ findAudio: finder(503) })).toMatchObject({ left: 1 });
    const later = { findAudio: finder(503), now: () => Date.now() + 31 * MINUTE_MS };
    expect(await sweepWith(later)).toMatchObject({ ended: 1 });
    expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'failed' });
  });

  it('is looked for under both names when RunPod forgot the job', async () => {
    const asked: string[] = [];
    const { jobId } = await atRunpod(undefined);
    await sweepWith({ findAudio: finder(404, asked) });
    expect(asked.map((url) => url.split('/').at(-1))).toEqual([`${jobId}.mp3`, `rp-of-${next}.mp3`]);
  });
});

const later = (minutes: number) => ({ now: () => Date.now() + minutes * MINUTE_MS });
const jobsOf = (storyId: string) =>
  nets.kept.jobs.filter(({ data }) => data.input.metadata.story_id === storyId);
const dueStory = (fields: Record<string, unknown> = {}) =>
  nets.newStory({
    audioStatus: 'failed',
    audioJobId: 'old',
    audioAttempt: 1,
    audioErrorCode: 'timed_out',
    audioRetryAt: new Date(Date.now() - 1_000),
    ...fields,
  });

describe('trying again automatically', () => {
  it('opens the next attempt after one minute, the one after that after five, then waits for a person', async () => {
    const { storyId } = await overdueStory();
    await sweepWith();
    expect(await sweepWith(later(0.5))).toMatchObject({ retried: 0 });
    expect(await sweepWith(later(1.1))).toMatchObject({ retried: 1 });
    const second = await nets.story(storyId);
    expect(second).toMatchObject({ audioStatus: 'pending', audioAttempt: 2, audioAutoRetries: 1 });
    expect(Object.keys(second).filter((name) => /^audioError|audioRetryAt/.test(name))).toEqual([]);
    expect(await nets.attempt(storyId, String(second['audioJobId']))).toMatchObject({
      number: 2,
      requestedBy: 'sweeper',
      transitions: { pending: { source: 'sweeper' } },
    });
    await vi.waitFor(() => expect(jobsOf(storyId)).toHaveLength(1), { timeout: 120_000, interval: 10 });
    expect(jobsOf(storyId)[0]?.data).toMatchObject({
      id: second['audioJobId'],
      input: { text: 'Once upon a time.', metadata: { attempt: 2, user_id: 'u1' } },
    });

    expect(await sweepWith(later(17))).toMatchObject({ ended: 1 });
    expect(await sweepWith(later(21))).toMatchObject({ retried: 0 });
    expect(await sweepWith(later(22.5))).toMatchObject({ retried: 1 });
    expect(await nets.story(storyId)).toMatchObject({ audioAttempt: 3, audioAutoRetries: 2 });

    expect(await sweepWith(later(40))).toMatchObject({ ended: 1 });
    expect(await nets.story(storyId)).not.toHaveProperty('audioRetryAt');
    expect(await sweepWith(later(400))).toMatchObject({ retried: 0 });

    expect(await requestAudio('retry', 'u1', { storyId }, nets.requests)).toMatchObject({
      kind: 'opened',
      attempt: 4,
    });
    expect(await nets.story(storyId)).not.toHaveProperty('audioAutoRetries');
  });

  it('happens once in two sweeps at the same time', async () => {
    const storyId = await dueStory();
    const reports = await Promise.all([sweepWith(), sweepWith()]);
    expect(reports.reduce((sum, { retried }) => sum + retried, 0)).toBe(1);
    expect(await nets.story(storyId)).toMatchObject({ audioAttempt: 2, audioAutoRetries: 1 });
  });

  it('leaves a story alone that a person asked for first', async () => {
    const storyId = await dueStory();
    const stories: SweepOptions['stories'] = {
      ...nets.stories,
      listOverdue: async (...asked) => {
        const page = await nets.stories.listOverdue(...asked);
        if (asked[0].kind === 'retry-due') await requestAudio('retry', 'u1', { storyId }, nets.requests);
        return page;
      },
    };
    expect(await sweepWith({ stories })).toMatchObject({ retried: 0, moved: 1 });
    const story = await nets.story(storyId);
    expect(story).toMatchObject({ audioStatus: 'pending', audioAttempt: 2 });
    expect(story).not.toHaveProperty('audioAutoRetries');
  });

  it('waits for a person when the story cannot be narrated any more', async () => {
    const stories = [
      await dueStory({ text: '' }),
      await dueStory({ userId: null }),
      await dueStory({ audioJobExtras: { has_recording: true } }),
      await dueStory({ audioJobExtras: { profile_path: 'private/users/u9/voices/ann.wav' } }),
    ];
    expect(await sweepWith()).toMatchObject({ retried: 0 });
    for (const storyId of stories) {
      expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'failed', audioAttempt: 1 });
      expect(await nets.story(storyId)).not.toHaveProperty('audioRetryAt');
      expect(jobsOf(storyId)).toEqual([]);
    }
  });

  it('fails again, with one try fewer, when the queue does not take the job', async () => {
    const storyId = await dueStory();
    const queue = { publish: () => Promise.reject(new Error('UNAVAILABLE')) };
    expect(await sweepWith({ requests: { ...nets.requests, queue } })).toMatchObject({ retried: 1 });
    const story = await nets.story(storyId);
    expect(story).toMatchObject({
      audioStatus: 'failed',
      audioErrorCode: 'queue_unavailable',
      audioAttempt: 2,
      audioAutoRetries: 1,
    });
    expect(millis(story['audioRetryAt'])).toBeGreaterThan(Date.now() + 4 * MINUTE_MS);
  });

  it('ends a wait for a job that was opened and never queued, because its process died in between', async () => {
    const storyId = await nets.newStory();
    const dies = { publish: () => new Promise<never>(() => {}) };
    void requestAudio('request', 'u1', { storyId }, { ...nets.requests, queue: dies });
    await vi.waitFor(
      async () => expect(await nets.story(storyId)).toMatchObject({ audioStatus: 'pending' }),
      {
        timeout: 120_000,
        interval: 20,
      },
    );
    expect(jobsOf(storyId)).toEqual([]);
    expect(await sweepWith(later(14))).toMatchObject({ ended: 0 });
    expect(await sweepWith(later(15.5))).toMatchObject({ ended: 1 });
    expect(await nets.story(storyId)).toMatchObject({
      audioErrorDetails: 'no sign of life; no worker took the job',
    });
    expect(await sweepWith(later(17))).toMatchObject({ retried: 1 });
    await vi.waitFor(() => expect(jobsOf(storyId)).toHaveLength(1), { timeout: 120_000, interval: 10 });
  });
});
