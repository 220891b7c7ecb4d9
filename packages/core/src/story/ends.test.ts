import { describe, expect, it } from 'vitest';
import {
  NOW_MS,
  LEASE_MS,
  AT,
  context,
  ERROR_FIELDS,
  AUDIO_FIELDS,
  ready,
  failed,
  progress,
  story,
  attempt,
  foreign,
  storyOf,
} from '../../test/stories.ts';
import { type Decision, decide, decideCancel } from './decide.ts';
import { type AttemptAudio } from './story-audio.ts';

describe('a story of ours', () => {
  const current = story({
    status: 'pending',
    jobId: 'job2',
    runpodJobId: 'rp-2',
    attempt: 2,
    contentHash: 'h2',
  });
  const currentAttempt = attempt({ jobId: 'job2', number: 2, status: 'pending', contentHash: 'h2' });
  const withNamed = (named: AttemptAudio | undefined) => ({ current: currentAttempt, named });

  it.each([
    ['ready', ready(), { status: 'ready', audioUrl: 'https://cdn.test/a.mp3', updatedAt: AT, endedAt: AT }],
    [
      'failed',
      failed(),
      {
        status: 'failed',
        error: { code: 'model_failed', message: 'boom', retryable: true },
        updatedAt: AT,
        endedAt: AT,
      },
    ],
    ['progress', progress(), { status: 'processing', stage: 'synthesizing', updatedAt: AT }],
  ] as const)(
    'records a %s of an attempt with other content on that attempt only',
    (status, message, fields) => {
      const name = status === 'progress' ? 'processing' : status;
      expect(decide(current, withNamed(attempt({ status: 'pending' })), message, context)).toEqual({
        kind: 'fenced',
        attempt: {
          jobId: 'job1',
          change: {
            set: { ...fields, transitions: { [name]: { source: 'callback', at: AT } } },
            remove: status === 'ready' ? ['error'] : [],
          },
        },
        isWanted: false,
      });
    },
  );

  const messages = { ready: ready(), failed: failed(), progress: progress() };
  it.each<[AttemptAudio['status'], keyof typeof messages, Decision['kind']]>([
    ['ready', 'ready', 'duplicate'],
    ['ready', 'failed', 'stale'],
    ['ready', 'progress', 'stale'],
    ['failed', 'failed', 'duplicate'],
    ['failed', 'progress', 'stale'],
    ['cancelled', 'ready', 'stale'],
    ['cancelled', 'failed', 'stale'],
    ['cancelled', 'progress', 'stale'],
  ])('an attempt that is %s is not touched by a later %s', (status, message, kind) => {
    const decision = decide(current, withNamed(attempt({ status })), messages[message], context);
    expect(decision).toEqual({ kind, isWanted: false });
  });

  it.each(['pending', 'processing', 'failed'] as const)(
    'ends with the ready of an earlier attempt that has its content, when it is %s',
    (status) => {
      const earlier = attempt({ status: 'failed', contentHash: 'h2', runpodJobId: 'rp-1', textHash: 't9' });
      const decision = decide({ ...current, status }, withNamed(earlier), ready(), context);
      expect(decision).toMatchObject({ kind: 'applied', event: 'ready', attempt: { jobId: 'job1' } });
      expect(storyOf(decision).set).toMatchObject({
        audioStatus: 'ready',
        audioJobId: 'job1',
        audioRunpodJobId: 'rp-1',
        audioTextHash: 't9',
      });
    },
  );

  it.each([
    ['failed', failed()],
    ['progress', progress()],
  ] as const)('does not count a %s of an earlier attempt with its content', (_kind, message) => {
    const earlier = attempt({ status: 'processing', contentHash: 'h2' });
    const decision = decide(current, withNamed(earlier), message, context);
    expect(decision).toMatchObject({ kind: 'fenced', attempt: { jobId: 'job1' }, isWanted: true });
    expect(decision.story).toBeUndefined();
  });

  it('does not want the job of a cancelled attempt, although it has its content', () => {
    const cancelled = attempt({ status: 'cancelled', contentHash: 'h2' });
    expect(decide(current, withNamed(cancelled), progress(), context)).toEqual({
      kind: 'stale',
      isWanted: false,
    });
  });

  it('does not take absent hashes for the same content', () => {
    const old = attempt({ contentHash: undefined });
    const decision = decide({ ...current, contentHash: undefined }, withNamed(old), ready(), context);
    expect(decision).toMatchObject({ kind: 'fenced', isWanted: false });
  });

  it('records an unknown job', () => {
    expect(decide(current, withNamed(undefined), ready({ jobId: 'stranger' }), context)).toMatchObject({
      kind: 'fenced',
      attempt: { jobId: 'stranger', change: { set: { status: 'ready' } } },
      isWanted: false,
    });
  });

  it('stays ready, and stops the worker of a newer job', () => {
    const ended = { ...current, status: 'ready', audioUrl: 'https://cdn.test/a.mp3' } as const;
    const decision = decide(ended, withNamed(undefined), progress({ jobId: 'job2' }), context);
    expect(decision).toMatchObject({ kind: 'fenced', isWanted: false });
    expect(decision.story).toBeUndefined();
  });
});

describe('a foreign story', () => {
  const none = story({ status: 'pending', jobId: undefined, runpodJobId: undefined, contentHash: undefined });

  it.each([ready({ jobId: 'new' }), failed({ jobId: 'new' }), progress({ jobId: 'new' })])(
    'takes the job that a $kind names first',
    (message) => {
      const decision = decide(none, {}, message, context);
      expect(decision).toMatchObject({ kind: 'applied', attempt: { jobId: 'new' }, isWanted: true });
      expect(storyOf(decision).set['audioJobId']).toBe('new');
    },
  );

  it.each(['pending', 'processing', 'failed'] as const)(
    'is ended by the ready of any foreign job, when it is %s',
    (status) => {
      const attempts = { current: foreign(), named: undefined };
      const decision = decide(story({ status }), attempts, ready({ jobId: 'other' }), context);
      expect(decision).toMatchObject({ kind: 'applied', event: 'ready' });
      expect(storyOf(decision).set).toMatchObject({ audioStatus: 'ready', audioJobId: 'other' });
    },
  );

  it.each([undefined, 'pending', 'processing', 'failed'] as const)(
    'fails with the failure of any foreign job, when it is %s, and keeps the first job',
    (status) => {
      const attempts = { current: foreign({ status: 'processing' }) };
      const decision = decide(story({ status }), attempts, failed({ jobId: 'other' }), context);
      expect(decision).toMatchObject({ kind: 'applied', event: 'failed', attempt: { jobId: 'other' } });
      expect(storyOf(decision).set).toMatchObject({ audioStatus: 'failed', audioError: 'boom' });
      expect(storyOf(decision).set).not.toHaveProperty('audioJobId');
    },
  );

  it('is not retried automatically', () => {
    const often = { ...context, autoRetry: { limit: 2, delaysMs: [1_000] } };
    const failure = failed({ jobId: 'other', code: 'timed_out' });
    expect(storyOf(decide(story(), { current: foreign() }, failure, often)).set).not.toHaveProperty(
      'audioRetryAt',
    );
    const own = storyOf(decide(story(), { current: attempt() }, failed({ code: 'timed_out' }), often));
    expect(own.set).toHaveProperty('audioRetryAt');
  });

  it('does not go back to processing', () => {
    const attempts = { current: foreign({ status: 'processing' }) };
    const decision = decide(story({ status: 'failed' }), attempts, progress({ jobId: 'other' }), context);
    expect(decision).toMatchObject({ kind: 'fenced', attempt: { jobId: 'other' }, isWanted: true });
    expect(decision.story).toBeUndefined();
  });

  it.each([ready({ jobId: 'new' }), failed({ jobId: 'new' }), progress({ jobId: 'new' })])(
    'that is ready records a $kind as it is, and takes no job from it',
    (message) => {
      const status = message.kind === 'progress' ? 'processing' : message.kind;
      const decision = decide({ ...none, status: 'ready', audioUrl: 'u' }, {}, message, context);
      expect(decision).toMatchObject({ kind: 'fenced', attempt: { change: { set: { status } } } });
      expect(decision.story).toBeUndefined();
    },
  );

  it.each([ready({ jobId: undefined }), failed({ jobId: undefined })])(
    'a $kind without a job id moves a story without a job, and no attempt',
    (message) => {
      const decision = decide(none, {}, message, context);
      expect(decision).toMatchObject({ kind: 'applied', attempt: undefined, event: message.kind });
      expect(storyOf(decision).set).not.toHaveProperty('audioJobId');
    },
  );

  it('counts an attempt of ours only by its content', () => {
    const named = attempt({ contentHash: 'h1' });
    const wrong = decide({ ...none, contentHash: 'h2' }, { named }, ready(), context);
    expect(wrong).toMatchObject({ kind: 'fenced', isWanted: false });
    const right = decide({ ...none, contentHash: 'h1' }, { named }, ready(), context);
    expect(right).toMatchObject({ kind: 'applied', event: 'ready' });
    expect(decide({ ...none, contentHash: 'h1' }, { named }, failed(), context).kind).toBe('fenced');
  });
});

const failedAttempt = (number: number) => ({ current: attempt({ number, status: 'failed' }) });

describe('a story that another app set back', () => {
  const seen = story({ status: 'pending', leaseExpiresAtMs: undefined });

  it.each([0, 1])('takes the message of another job as its own (attempt number %s)', (number) => {
    const decision = decide(seen, failedAttempt(number), ready({ jobId: 'B' }), context);
    expect(decision).toMatchObject({ kind: 'applied', event: 'ready' });
    expect(storyOf(decision).set).toMatchObject({ audioStatus: 'ready', audioJobId: 'B' });
    expect(storyOf(decision).remove).toContain('audioRunpodJobId');
    expect(storyOf(decision).remove).toContain('audioLeaseExpiresAt');
  });

  it('loses its job with a message that changes nothing else', () => {
    const decision = decide(seen, failedAttempt(1), failed(), context);
    expect(decision).toMatchObject({ kind: 'duplicate', isWanted: true });
    expect(storyOf(decision)).toEqual({ set: {}, remove: ['audioJobId', 'audioRunpodJobId'] });
  });

  it('fails without a job', () => {
    const decision = decide(seen, failedAttempt(1), failed({ jobId: undefined }), context);
    expect(decision).toMatchObject({ kind: 'applied', attempt: undefined, event: 'failed' });
    expect(storyOf(decision).remove).toContain('audioJobId');
  });

  it('is ended by the late ready of its own job', () => {
    const decision = decide(seen, failedAttempt(1), ready(), context);
    expect(decision).toMatchObject({ kind: 'applied', event: 'ready', attempt: { jobId: 'job1' } });
    expect(storyOf(decision).set['audioJobId']).toBe('job1');
  });
});

describe('which job a message is about', () => {
  it("RunPod's id of the current job names it, and the attempt keeps our id", () => {
    const decision = decide(story(), { current: attempt() }, ready({ jobId: 'rp-1' }), context);
    expect(decision).toMatchObject({ kind: 'applied', attempt: { jobId: 'job1' } });
    expect(storyOf(decision).set).not.toHaveProperty('audioJobId');
  });

  it("RunPod's id of an earlier attempt names that attempt", () => {
    const named = attempt({ jobId: 'job0', runpodJobId: 'rp-0', contentHash: 'other' });
    const decision = decide(story(), { current: attempt(), named }, ready({ jobId: 'rp-0' }), context);
    expect(decision).toMatchObject({ kind: 'fenced', attempt: { jobId: 'job0' } });
  });

  it('a message without a job id is about the current one', () => {
    const decision = decide(story(), { current: attempt() }, failed({ jobId: undefined }), context);
    expect(decision).toMatchObject({ kind: 'applied', attempt: { jobId: 'job1' } });
  });
});

describe('a ready story without an address', () => {
  const stored = story({ status: 'ready', storagePath: 'a.mp3', audioFields: ['audioStoragePath'] });
  const attempts = { current: attempt({ status: 'ready' }) };
  const later = ready({ storagePath: 'a.mp3', durationMs: 900, metadata: { a: 1 } });

  it.each(['job1', 'rp-1', undefined])('is completed by a later ready of the same job (%s)', (jobId) => {
    const decision = decide(stored, attempts, { ...later, jobId }, context);
    expect(decision).toMatchObject({ kind: 'applied', event: 'updated' });
    expect(storyOf(decision)).toEqual({
      set: {
        audioUrl: 'https://cdn.test/a.mp3',
        audioDurationMs: 900,
        audioMetadata: { a: 1 },
        audioEventSequence: 4,
      },
      remove: [],
    });
    const change = { set: { audioUrl: 'https://cdn.test/a.mp3', updatedAt: AT }, remove: [] };
    expect(decision.attempt).toEqual({ jobId: 'job1', change });
  });

  it('keeps what it has', () => {
    const audioFields = ['audioStoragePath', 'audioDurationMs', 'audioMetadata'];
    const message = { ...later, durationMs: 950, metadata: { a: 2 }, storagePath: undefined };
    expect(storyOf(decide({ ...stored, audioFields }, attempts, message, context)).set).toEqual({
      audioUrl: 'https://cdn.test/a.mp3',
      audioEventSequence: 4,
    });
  });

  it.each([
    ['another file', stored, { ...later, storagePath: 'b.mp3' }],
    ['another job', stored, { ...later, jobId: 'other' }],
    ['another address', { ...stored, audioUrl: 'https://cdn.test/b.mp3' }, later],
    ['no address', stored, { ...later, audioUrl: undefined }],
  ])('is not changed by %s', (_what, seen, message) => {
    expect(decide(seen, attempts, message, context).story).toBeUndefined();
  });
});

describe("RunPod's retry of a failed job", () => {
  it('moves the story forward once RunPod confirms that it runs', () => {
    const attempts = { current: attempt({ status: 'failed' }) };
    const seen = story({ status: 'failed', retryAtMs: NOW_MS });
    expect(decide(seen, attempts, progress(), context)).toEqual({ kind: 'stale', isWanted: true });
    const decision = decide(seen, attempts, progress(), { ...context, isRunning: true });
    expect(storyOf(decision)).toEqual({
      set: {
        audioStatus: 'processing',
        audioProgress: 0.5,
        audioLeaseExpiresAt: new Date(NOW_MS + LEASE_MS),
      },
      remove: [...ERROR_FIELDS, 'audioRetryAt'],
    });
    expect(decision.attempt?.change.set['status']).toBe('processing');
  });
});

describe('a cancelled attempt', () => {
  it.each([
    ['never asked for', {}, []],
    ['ready', { audioStatus: 'ready', audioJobId: 'job0' }, ['audioStatus', 'audioJobId']],
    ['failed', { audioStatus: 'failed', audioJobId: 'job0', audioError: 'e' }, ['audioStatus', 'audioError']],
  ])('leaves the story as it was: %s', (_what, before, kept) => {
    const decision = decideCancel(
      story(),
      { current: attempt({ before }) },
      { ...context, source: 'person' },
    );
    expect(decision).toMatchObject({ kind: 'applied', event: 'cancelled' });
    expect(decision.attempt).toMatchObject({ jobId: 'job1', change: { set: { status: 'cancelled' } } });
    const { set, remove } = storyOf(decision);
    expect(set).toEqual({ ...before, audioEventSequence: 4 });
    for (const name of kept) expect(remove).not.toContain(name);
    expect(remove).toContain('audioLeaseExpiresAt');
    for (const name of AUDIO_FIELDS) expect(remove).not.toContain(name);
  });

  it('keeps the audio that was there also of an attempt that does not say so', () => {
    const decision = decideCancel(
      story({ lastEnd: { audioStatus: 'ready' } }),
      { current: foreign() },
      { ...context, source: 'person' },
    );
    expect(storyOf(decision).set).toEqual({ audioStatus: 'ready', audioEventSequence: 4 });
  });

  it.each([ready(), failed(), progress()])(
    'ends nothing under its id at RunPod: a late $kind is stale',
    (said) => {
      const named = attempt({ status: 'cancelled', runpodJobId: 'rp-1' });
      const seen = story({ status: undefined, jobId: undefined, runpodJobId: undefined });
      expect(decide(seen, { named }, { ...said, jobId: 'rp-1' }, context).kind).toBe('stale');
      // Until RunPod's id is recorded, only the address of a callback says whose it is; a message to another address is foreign.
      expect(decide(seen, {}, { ...said, jobId: 'rp-1' }, context).kind).toBe('applied');
      expect(decide(seen, { named }, { ...said, jobId: 'job1' }, context).kind).toBe('stale');
    },
  );

  it.each([
    ['a story that is ready', story({ status: 'ready' }), { current: attempt({ status: 'ready' }) }],
    ['a story without an attempt', story(), {}],
    ['a story that was set back', story(), { current: attempt({ status: 'failed' }) }],
  ])('does not exist for %s', (_what, seen, attempts) => {
    expect(decideCancel(seen, attempts, context)).toEqual({ kind: 'stale' });
  });
});
