import { describe, expect, it } from 'vitest';
import { type AudioRequest, decideRequest } from './request.ts';
import { type Change, readStoryAudio } from './story-audio.ts';

const NOW_MS = 1_800_000_000_000;
const AT = new Date(NOW_MS);
const ERROR_FIELDS = [
  'audioError',
  'audioErrorDetails',
  'audioErrorCode',
  'audioErrorRetryable',
  'audioErrorMetadata',
];

const request = (over: Partial<AudioRequest> = {}): AudioRequest => ({
  kind: 'request',
  newJobId: 'job-new',
  requestedBy: 'u1',
  nowMs: NOW_MS,
  leaseMs: 60_000,
  voiceId: undefined,
  language: undefined,
  ...over,
});
const underWay = {
  audioStatus: 'pending',
  audioJobId: 'job1',
  audioAttempt: 1,
  audioLeaseExpiresAt: new Date(NOW_MS + 1),
};

const applyChange = (fields: Record<string, unknown>, change: Change): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries({ ...fields, ...change.set }).filter(([name]) => !change.remove.includes(name)),
  );

describe('a first request', () => {
  it('opens attempt 1', () => {
    expect(decideRequest(readStoryAudio({}), request({ voiceId: 'v1', language: 'en' }))).toEqual({
      kind: 'opened',
      attempt: 1,
      take: 0,
      story: {
        set: {
          audioStatus: 'pending',
          audioJobId: 'job-new',
          audioAttempt: 1,
          audioLeaseExpiresAt: new Date(NOW_MS + 60_000),
          voiceId: 'v1',
          language: 'en',
        },
        remove: [
          ...ERROR_FIELDS,
          'audioProgress',
          'audioRunpodJobId',
          'audioRetryAt',
          'audioAutoRetries',
          'audioAutoRetry',
        ],
      },
      attemptFields: {
        jobId: 'job-new',
        number: 1,
        status: 'pending',
        requestedBy: 'u1',
        requestedAt: AT,
        updatedAt: AT,
        voiceId: 'v1',
        language: 'en',
        before: {},
        transitions: { pending: { source: 'person', at: AT } },
      },
    });
  });

  it('writes no voice and no language that it was not given', () => {
    const decision = decideRequest(readStoryAudio({}), request());
    expect(decision.kind === 'opened' && Object.keys(decision.story.set).sort()).toEqual([
      'audioAttempt',
      'audioJobId',
      'audioLeaseExpiresAt',
      'audioStatus',
    ]);
  });
});

describe('a take', () => {
  it.each([
    ['ready', 0, 1],
    ['ready', 3, 4],
    ['failed', 3, 3],
    [undefined, 0, 0],
  ])('of a story that is %s, after take %s, is %s', (audioStatus, audioTake, take) => {
    const decision = decideRequest(readStoryAudio({ audioStatus, audioTake }), request());
    expect(decision).toMatchObject({ kind: 'opened', take });
    expect(decision.kind === 'opened' && decision.story.set['audioTake']).toBe(take || undefined);
  });
});

describe('a double click', () => {
  it('is one job', () => {
    const first = decideRequest(readStoryAudio({}), request({ newJobId: 'job-a' }));
    if (first.kind !== 'opened') throw new Error(first.kind);
    const second = decideRequest(
      readStoryAudio(applyChange({}, first.story)),
      request({ newJobId: 'job-b', nowMs: NOW_MS + 1 }),
    );
    expect(second).toEqual({ kind: 'under-way', jobId: 'job-a', attempt: 1 });
  });

  it.each(['request', 'retry'] as const)('on %s while a job is alive is under way', (kind) => {
    for (const audioStatus of ['pending', 'processing']) {
      expect(decideRequest(readStoryAudio({ ...underWay, audioStatus }), request({ kind }))).toEqual({
        kind: 'under-way',
        jobId: 'job1',
        attempt: 1,
      });
    }
  });
});

describe('what may open a new attempt', () => {
  it.each([
    ['a lease that ends now', { ...underWay, audioLeaseExpiresAt: new Date(NOW_MS) }, 'request', 'opened'],
    ['a lease that ended', { ...underWay, audioLeaseExpiresAt: new Date(NOW_MS - 1) }, 'retry', 'opened'],
    [
      'no lease at all',
      { audioStatus: 'processing', audioJobId: 'job1', audioAttempt: 1 },
      'request',
      'opened',
    ],
    ['a failure, on retry', { audioStatus: 'failed', audioAttempt: 1 }, 'retry', 'opened'],
    ['a failure, on request', { audioStatus: 'failed', audioAttempt: 1 }, 'request', 'opened'],
    ['a failure with a lease that was left over', { ...underWay, audioStatus: 'failed' }, 'retry', 'opened'],
    ['a ready story, on request', { audioStatus: 'ready', audioAttempt: 1 }, 'request', 'opened'],
    [
      'a ready story, on retry',
      { audioStatus: 'ready', audioAttempt: 1, audioJobId: 'job1' },
      'retry',
      'already-ready',
    ],
  ] as const)('%s', (_what, fields, kind, outcome) => {
    const decision = decideRequest(readStoryAudio(fields), request({ kind }));
    expect(decision.kind).toBe(outcome);
    expect(decision.attempt).toBe(outcome === 'opened' ? 2 : 1);
  });
});

describe('a retry', () => {
  it('counts attempts, takes the error group away and keeps the audio group', () => {
    const document = {
      title: 'A tale',
      audioStatus: 'failed',
      audioJobId: 'job4',
      audioRunpodJobId: 'rp4',
      audioAttempt: 4,
      audioProgress: 0.4,
      audioUrl: 'https://cdn.test/old.mp3',
      audioStoragePath: 'old.mp3',
      audioDurationMs: 5,
      audioMetadata: { a: 1 },
      ...Object.fromEntries(ERROR_FIELDS.map((name) => [name, 'x'])),
    };
    const decision = decideRequest(readStoryAudio(document), request({ kind: 'retry' }));
    if (decision.kind !== 'opened') throw new Error(decision.kind);
    expect(applyChange(document, decision.story)).toEqual({
      title: 'A tale',
      audioStatus: 'pending',
      audioJobId: 'job-new',
      audioAttempt: 5,
      audioLeaseExpiresAt: new Date(NOW_MS + 60_000),
      audioUrl: 'https://cdn.test/old.mp3',
      audioStoragePath: 'old.mp3',
      audioDurationMs: 5,
      audioMetadata: { a: 1 },
    });
    expect(decision.attemptFields).toMatchObject({ number: 5, jobId: 'job-new' });
  });

  it('of a story from before attempts were counted is the first', () => {
    expect(decideRequest(readStoryAudio({ audioStatus: 'failed' }), request({ kind: 'retry' })).attempt).toBe(
      1,
    );
  });
});

describe('the sweeper', () => {
  const failed = { audioStatus: 'failed', audioJobId: 'job1', audioAttempt: 1 };
  const sweeper = request({ kind: 'retry', source: 'sweeper', requestedBy: 'sweeper' });

  it('opens the next attempt when its time has come, and counts it', () => {
    const document = { ...failed, audioRetryAt: AT, audioAutoRetries: 1 };
    const decision = decideRequest(readStoryAudio(document), sweeper);
    if (decision.kind !== 'opened') throw new Error(decision.kind);
    expect(applyChange(document, decision.story)).toEqual({
      audioStatus: 'pending',
      audioJobId: 'job-new',
      audioAttempt: 2,
      audioAutoRetries: 2,
      audioLeaseExpiresAt: new Date(NOW_MS + 60_000),
    });
    expect(decision.attemptFields).toMatchObject({
      requestedBy: 'sweeper',
      transitions: { pending: { source: 'sweeper', at: AT } },
    });
  });

  it.each([
    ['whose time has not come', { ...failed, audioRetryAt: new Date(NOW_MS + 1) }, 'not-due'],
    ['that waits for a person', failed, 'not-due'],
    ['that was never asked for', { audioRetryAt: AT }, 'not-due'],
    ['that a person asked for meanwhile', { ...underWay, audioRetryAt: AT }, 'under-way'],
    [
      'whose job a person asked for and nobody finished',
      { ...underWay, audioLeaseExpiresAt: AT, audioRetryAt: AT },
      'not-due',
    ],
    ['that is ready', { audioStatus: 'ready', audioRetryAt: AT }, 'already-ready'],
  ])('leaves a story alone %s', (_what, fields, kind) => {
    expect(decideRequest(readStoryAudio(fields), sweeper).kind).toBe(kind);
  });

  it('leaves the count and the time to a person, who starts both again', () => {
    const document = { ...failed, audioRetryAt: AT, audioAutoRetries: 2 };
    const decision = decideRequest(readStoryAudio(document), request({ kind: 'retry' }));
    const opened = decision.kind === 'opened' ? applyChange(document, decision.story) : {};
    expect(opened).toHaveProperty('audioStatus', 'pending');
    expect(opened).not.toHaveProperty('audioRetryAt');
    expect(opened).not.toHaveProperty('audioAutoRetries');
  });
});
