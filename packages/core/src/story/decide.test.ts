import { describe, expect, it } from 'vitest';
import { parseErrorCallback, parseSuccessCallback } from '../callback/parse.ts';
import { type Decision, decide } from './decide.ts';
import {
  type FailedMessage,
  type ProgressMessage,
  type ReadyMessage,
  messageFromError,
  messageFromSuccess,
} from './message.ts';
import { type AudioStatus, type StoryAudio, type TransitionContext, readStoryAudio } from './story-audio.ts';

const NOW_MS = 1_800_000_000_000;
const LEASE_MS = 60_000;
const AT = new Date(NOW_MS);
const context: TransitionContext = { source: 'callback', nowMs: NOW_MS, leaseMs: LEASE_MS };

const ERROR_FIELDS = [
  'audioError',
  'audioErrorDetails',
  'audioErrorCode',
  'audioErrorRetryable',
  'audioErrorMetadata',
];
const AUDIO_FIELDS = ['audioUrl', 'audioStoragePath', 'audioDurationMs', 'audioMetadata'];
const RUNNING_FIELDS = ['audioProgress', 'audioLeaseExpiresAt'];
const RETRY_FIELDS = ['audioRetryAt', 'audioAutoRetries', 'audioAutoRetry'];

const ready = (over: Partial<ReadyMessage> = {}): ReadyMessage => ({
  kind: 'ready',
  jobId: 'job1',
  audioUrl: 'https://cdn.test/a.mp3',
  storagePath: undefined,
  durationMs: undefined,
  voiceId: undefined,
  voiceName: undefined,
  language: undefined,
  metadata: undefined,
  ...over,
});
const failed = (over: Partial<FailedMessage> = {}): FailedMessage => ({
  kind: 'failed',
  jobId: 'job1',
  error: 'boom',
  details: undefined,
  code: 'model_failed',
  retryable: true,
  metadata: undefined,
  ...over,
});
const progress = (over: Partial<ProgressMessage> = {}): ProgressMessage => ({
  kind: 'progress',
  jobId: 'job1',
  stage: 'synthesizing',
  progress: 0.5,
  ...over,
});
const story = (over: Partial<StoryAudio> = {}): StoryAudio => ({
  status: 'processing',
  jobId: 'job1',
  runpodJobId: 'rp-1',
  attempt: 1,
  progress: undefined,
  leaseExpiresAtMs: undefined,
  retryAtMs: undefined,
  autoRetries: 0,
  mayAutoRetry: true,
  ...over,
});

const storyOf = (
  decision: Decision,
): { set: Readonly<Record<string, unknown>>; remove: readonly string[] } => {
  if (decision.kind !== 'applied' && decision.kind !== 'adopted') throw new Error(`it was ${decision.kind}`);
  return decision.story;
};
const sorted = (names: readonly string[]): string[] => [...names].sort();

describe('the law for one job', () => {
  const messages = { ready: ready(), failed: failed(), progress: progress() };
  it.each<[AudioStatus | undefined, keyof typeof messages, Decision['kind'], string?]>([
    [undefined, 'progress', 'applied', 'processing'],
    [undefined, 'ready', 'applied', 'ready'],
    [undefined, 'failed', 'applied', 'failed'],
    ['pending', 'progress', 'applied', 'processing'],
    ['pending', 'ready', 'applied', 'ready'],
    ['pending', 'failed', 'applied', 'failed'],
    ['processing', 'progress', 'applied', 'processing'],
    ['processing', 'ready', 'applied', 'ready'],
    ['processing', 'failed', 'applied', 'failed'],
    ['failed', 'progress', 'stale'],
    ['failed', 'ready', 'applied', 'ready'],
    ['failed', 'failed', 'duplicate'],
    ['ready', 'progress', 'stale'],
    ['ready', 'ready', 'duplicate'],
    ['ready', 'failed', 'stale'],
  ])('from %s, %s is %s', (status, message, kind, next) => {
    for (const jobId of ['job1', 'rp-1']) {
      const decision = decide(story({ status }), { status }, { ...messages[message], jobId }, context);
      const expected = next === undefined ? { kind } : { kind, story: { set: { audioStatus: next } } };
      expect(decision).toMatchObject(expected);
      expect(Object.keys(decision)).toHaveLength(next === undefined ? 1 : 3);
    }
  });

  it('a second, different ready changes nothing', () => {
    const second = ready({ audioUrl: 'https://cdn.test/other.mp3', voiceId: 'v2' });
    expect(decide(story({ status: 'ready' }), { status: 'ready' }, second, context)).toEqual({
      kind: 'duplicate',
    });
  });

  it('a second, different failure changes nothing', () => {
    const second = failed({ error: 'other', code: 'disk_full' });
    expect(decide(story({ status: 'failed' }), undefined, second, context)).toEqual({ kind: 'duplicate' });
  });
});

describe('progress', () => {
  it.each([
    ['forwards', 'processing', 0.4, 0.6, 0.6],
    ['never backwards', 'processing', 0.6, 0.4, 0.6],
    ['stands still without a number', 'processing', 0.6, undefined, 0.6],
    ['begins', 'processing', undefined, 0.1, 0.1],
    ['begins at nothing', 'pending', undefined, undefined, 0],
    ['begins anew over what an older job left', 'pending', 0.9, 0.1, 0.1],
  ] as const)('%s', (_what, status, before, told, after) => {
    const decision = decide(
      story({ status, progress: before }),
      undefined,
      progress({ progress: told }),
      context,
    );
    expect(storyOf(decision)).toEqual({
      set: {
        audioStatus: 'processing',
        audioProgress: after,
        audioLeaseExpiresAt: new Date(NOW_MS + LEASE_MS),
      },
      remove: [],
    });
  });

  it('that is late renews the lease and leaves the attempt as it is', () => {
    const decision = decide(
      story({ progress: 0.6 }),
      { status: 'processing' },
      progress({ progress: 0.4 }),
      context,
    );
    expect(decision).toMatchObject({ kind: 'applied', attempt: undefined });
  });

  it('is told to the attempt, once as a transition', () => {
    const first = decide(
      story({ status: 'pending', progress: 0.9 }),
      { status: 'pending' },
      progress({ progress: 0.1 }),
      context,
    );
    expect(first).toMatchObject({
      attempt: {
        jobId: 'job1',
        change: {
          set: {
            status: 'processing',
            stage: 'synthesizing',
            updatedAt: AT,
            transitions: { processing: { source: 'callback', at: AT } },
          },
          remove: [],
        },
      },
    });
    const second = decide(story(), { status: 'processing' }, progress(), context);
    expect(second).toMatchObject({
      attempt: { change: { set: { status: 'processing', stage: 'synthesizing', updatedAt: AT } } },
    });
    expect(JSON.stringify(second)).not.toContain('transitions');
  });
});

describe('fencing', () => {
  const current = story({ status: 'pending', jobId: 'job2', runpodJobId: 'rp-2', attempt: 2 });

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
  ] as const)('records a %s of another job on its attempt only', (status, message, fields) => {
    const name = status === 'progress' ? 'processing' : status;
    expect(decide(current, { status: 'pending' }, message, context)).toEqual({
      kind: 'fenced',
      attempt: {
        jobId: 'job1',
        change: {
          set: { ...fields, transitions: { [name]: { source: 'callback', at: AT } } },
          remove: status === 'ready' ? ['error'] : [],
        },
      },
    });
  });

  it.each<[AudioStatus, keyof typeof messages]>([
    ['ready', 'ready'],
    ['ready', 'failed'],
    ['ready', 'progress'],
    ['failed', 'failed'],
    ['failed', 'progress'],
  ])('an attempt that is %s is not touched by a later %s', (status, message) => {
    expect(decide(current, { status }, messages[message], context)).toEqual({
      kind: 'fenced',
      attempt: undefined,
    });
  });
  const messages = { ready: ready(), failed: failed(), progress: progress() };

  it('a late ready beats the failure of its own attempt', () => {
    expect(decide(current, { status: 'failed' }, ready(), context)).toMatchObject({
      kind: 'fenced',
      attempt: { jobId: 'job1', change: { set: { status: 'ready' }, remove: ['error'] } },
    });
  });

  it('records a job that nobody knows', () => {
    expect(decide(current, undefined, failed({ jobId: 'stranger' }), context)).toMatchObject({
      kind: 'fenced',
      attempt: { jobId: 'stranger', change: { set: { status: 'failed' } } },
    });
  });

  it('an attempt document that lacks its status is one that may still move', () => {
    expect(decide(current, { status: undefined }, ready(), context)).toMatchObject({
      attempt: { jobId: 'job1' },
    });
  });
});

describe('which job a message is about', () => {
  it("RunPod's id of the current job names it, and the attempt keeps our id", () => {
    const decision = decide(story(), undefined, ready({ jobId: 'rp-1' }), context);
    expect(decision).toMatchObject({ kind: 'applied', attempt: { jobId: 'job1' } });
    expect(storyOf(decision).set).not.toHaveProperty('audioJobId');
  });

  it('a message without a job id is about the current one', () => {
    expect(decide(story(), undefined, failed({ jobId: undefined }), context)).toMatchObject({
      kind: 'applied',
      attempt: { jobId: 'job1' },
    });
  });

  it('a message without a job id moves a story that has none, and there is no attempt to tell', () => {
    const decision = decide(
      story({ status: undefined, jobId: undefined, runpodJobId: undefined }),
      undefined,
      ready({ jobId: undefined }),
      context,
    );
    expect(decision).toMatchObject({ kind: 'applied', attempt: undefined });
    expect(storyOf(decision).set).not.toHaveProperty('audioJobId');
  });

  it.each([ready({ jobId: 'new' }), failed({ jobId: 'new' }), progress({ jobId: 'new' })])(
    'a story without a job adopts the one that a $kind names',
    (message) => {
      const decision = decide(story({ status: 'pending', jobId: undefined }), undefined, message, context);
      expect(decision).toMatchObject({ kind: 'applied', attempt: { jobId: 'new' } });
      expect(storyOf(decision).set['audioJobId']).toBe('new');
    },
  );

  it.each([
    ['ready', failed({ jobId: 'new' })],
    ['ready', ready({ jobId: 'new' })],
    ['ready', progress({ jobId: 'new' })],
    ['failed', failed({ jobId: 'new' })],
  ] as const)('a story that is %s without a job learns its id and nothing else', (status, message) => {
    expect(decide(story({ status, jobId: undefined }), undefined, message, context)).toEqual({
      kind: 'adopted',
      story: { set: { audioJobId: 'new' }, remove: [] },
      attempt: { jobId: 'new', change: { set: { status }, remove: [] } },
    });
  });
});

describe('groups are replaced whole', () => {
  it('a full ready sets the audio group and removes the error group', () => {
    const message = ready({
      storagePath: 'a.mp3',
      durationMs: 900,
      metadata: { a: 1 },
      voiceId: 'v1',
      voiceName: 'Ada',
      language: 'en',
    });
    const change = storyOf(decide(story({ status: 'failed' }), undefined, message, context));
    expect(change.set).toEqual({
      audioStatus: 'ready',
      audioUrl: 'https://cdn.test/a.mp3',
      audioStoragePath: 'a.mp3',
      audioDurationMs: 900,
      audioMetadata: { a: 1 },
      voiceId: 'v1',
      voiceName: 'Ada',
      language: 'en',
    });
    expect(sorted(change.remove)).toEqual(sorted([...ERROR_FIELDS, ...RUNNING_FIELDS, ...RETRY_FIELDS]));
  });

  it('a bare ready removes what it does not carry and leaves other fields alone', () => {
    const change = storyOf(
      decide(story(), undefined, ready({ audioUrl: undefined, storagePath: 'a.mp3' }), context),
    );
    expect(change.set).toEqual({ audioStatus: 'ready', audioStoragePath: 'a.mp3' });
    const others = AUDIO_FIELDS.filter((name) => name !== 'audioStoragePath');
    expect(sorted(change.remove)).toEqual(
      sorted([...others, ...ERROR_FIELDS, ...RUNNING_FIELDS, ...RETRY_FIELDS]),
    );
  });

  it('a bare failure removes the rest of the error group and keeps the audio of before', () => {
    const change = storyOf(decide(story(), undefined, failed(), context));
    expect(change.set).toEqual({
      audioStatus: 'failed',
      audioError: 'boom',
      audioErrorCode: 'model_failed',
      audioErrorRetryable: true,
    });
    expect(sorted(change.remove)).toEqual(
      sorted(['audioErrorDetails', 'audioErrorMetadata', ...RUNNING_FIELDS, 'audioRetryAt']),
    );
  });

  it('progress removes nothing', () => {
    expect(storyOf(decide(story(), undefined, progress(), context)).remove).toEqual([]);
  });
});

const parsed = <T>(result: { ok: true; value: T } | { ok: false; sentence: string }): T => {
  if (!result.ok) throw new Error(result.sentence);
  return result.value;
};

describe("seed 001's payloads", () => {
  const payload = {
    story_id: 'story123',
    error: 'Voice profile not found',
    error_details: 'The voice profile file was not found in storage',
    user_id: 'user456',
    voice_id: 'voice789',
    job_id: 'job_abc123',
    metadata: { language: 'en', story_type: 'user', text_length: 1500, error_type: 'voice_profile_missing' },
  };

  it("the error callback writes the seed's fields and our classification", () => {
    const never = readStoryAudio({ title: 'A tale', text: 'Once' });
    const decision = decide(never, undefined, messageFromError(parsed(parseErrorCallback(payload))), context);
    expect(storyOf(decision)).toEqual({
      set: {
        audioStatus: 'failed',
        audioJobId: 'job_abc123',
        audioError: 'Voice profile not found',
        audioErrorDetails: 'The voice profile file was not found in storage',
        audioErrorCode: 'voice_profile_missing',
        audioErrorRetryable: false,
        audioErrorMetadata: payload.metadata,
      },
      remove: [...RUNNING_FIELDS, 'audioRetryAt'],
    });
    expect(decision).toMatchObject({
      kind: 'applied',
      attempt: {
        jobId: 'job_abc123',
        change: {
          set: {
            status: 'failed',
            error: {
              code: 'voice_profile_missing',
              message: 'Voice profile not found',
              details: 'The voice profile file was not found in storage',
              retryable: false,
            },
          },
        },
      },
    });
  });

  it("the curl line's payload leaves the job as it is and removes what it does not tell", () => {
    const body = { story_id: 'test_story_123', error: 'Voice profile not found', user_id: 'test_user_456' };
    const change = storyOf(
      decide(story(), undefined, messageFromError(parsed(parseErrorCallback(body))), context),
    );
    expect(change).toEqual({
      set: {
        audioStatus: 'failed',
        audioError: 'Voice profile not found',
        audioErrorCode: 'voice_profile_missing',
        audioErrorRetryable: false,
      },
      remove: ['audioErrorDetails', 'audioErrorMetadata', ...RUNNING_FIELDS, 'audioRetryAt'],
    });
  });

  it('a success as the handler posts it, null where it knows nothing, writes no null', () => {
    const body = {
      story_id: 'story123',
      user_id: null,
      voice_id: 'voice789',
      voice_name: null,
      audio_url: 'https://cdn.test/a.mp3',
      storage_path: null,
      r2_path: 'audio/a.mp3',
      language: null,
      metadata: { generation_time: 3.2, engine: 'chatterbox', worker_id: 'w1' },
    };
    const decision = decide(
      story(),
      undefined,
      messageFromSuccess(parsed(parseSuccessCallback(body))),
      context,
    );
    expect(storyOf(decision).set).toEqual({
      audioStatus: 'ready',
      audioUrl: 'https://cdn.test/a.mp3',
      audioStoragePath: 'audio/a.mp3',
      audioMetadata: body.metadata,
      voiceId: 'voice789',
    });
    expect(decision).toMatchObject({
      attempt: { change: { set: { engine: 'chatterbox', worker: 'w1', voiceId: 'voice789' } } },
    });
  });
});
