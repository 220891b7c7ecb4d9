import { describe, expect, it } from 'vitest';
import {
  NOW_MS,
  LEASE_MS,
  AT,
  context,
  ERROR_FIELDS,
  AUDIO_FIELDS,
  RUNNING_FIELDS,
  RETRY_FIELDS,
  ready,
  failed,
  progress,
  story,
  attempt,
  storyOf,
  sorted,
} from '../../test/stories.ts';
import { parseErrorCallback, parseSuccessCallback } from '../callback/parse.ts';
import { type Decision, decide } from './decide.ts';
import { messageFromError, messageFromSuccess } from './message.ts';
import { readStoryAudio, type AudioStatus } from './story-audio.ts';

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
      const attempts = { current: attempt({ status }) };
      const seen = story({ status, audioUrl: status === 'ready' ? 'https://cdn.test/0.mp3' : undefined });
      const decision = decide(seen, attempts, { ...messages[message], jobId }, context);
      expect(decision.kind).toBe(kind);
      expect(decision.story?.set['audioStatus']).toBe(next);
      expect(decision.attempt === undefined).toBe(next === undefined);
      expect(decision.event).toBe(next === 'ready' || next === 'failed' ? next : undefined);
      expect(decision.story?.set['audioEventSequence']).toBe(decision.event === undefined ? undefined : 4);
    }
  });

  it('a second, different ready changes nothing', () => {
    const second = ready({ audioUrl: 'https://cdn.test/other.mp3', voiceId: 'v2' });
    const ended = story({ status: 'ready', audioUrl: 'https://cdn.test/a.mp3' });
    expect(decide(ended, { current: attempt({ status: 'ready' }) }, second, context)).toEqual({
      kind: 'duplicate',
      isWanted: false,
    });
  });

  it('a second, different failure changes nothing', () => {
    const second = failed({ error: 'other', code: 'disk_full' });
    expect(decide(story({ status: 'failed' }), {}, second, context)).toEqual({
      kind: 'duplicate',
      isWanted: true,
    });
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
      { current: attempt({ status }) },
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
      { current: attempt({ status: 'processing' }) },
      progress({ progress: 0.4 }),
      context,
    );
    expect(decision).toMatchObject({ kind: 'applied', attempt: undefined });
  });

  it('is written to the attempt, once as a transition', () => {
    const first = decide(
      story({ status: 'pending', progress: 0.9 }),
      { current: attempt({ status: 'pending' }) },
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
    const second = decide(story(), { current: attempt() }, progress(), context);
    expect(second).toMatchObject({
      attempt: { change: { set: { status: 'processing', stage: 'synthesizing', updatedAt: AT } } },
    });
    expect(JSON.stringify(second)).not.toContain('transitions');
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
    const change = storyOf(decide(story({ status: 'failed' }), {}, message, context));
    expect(change.set).toEqual({
      audioStatus: 'ready',
      audioUrl: 'https://cdn.test/a.mp3',
      audioStoragePath: 'a.mp3',
      audioDurationMs: 900,
      audioMetadata: { a: 1 },
      voiceId: 'v1',
      voiceName: 'Ada',
      language: 'en',
      audioEventSequence: 4,
    });
    expect(sorted(change.remove)).toEqual(
      sorted([...ERROR_FIELDS, ...RUNNING_FIELDS, ...RETRY_FIELDS, 'audioTextHash']),
    );
  });

  it('a bare ready removes what it does not carry and leaves other fields alone', () => {
    const change = storyOf(
      decide(story(), {}, ready({ audioUrl: undefined, storagePath: 'a.mp3' }), context),
    );
    expect(change.set).toEqual({ audioStatus: 'ready', audioStoragePath: 'a.mp3', audioEventSequence: 4 });
    const others = AUDIO_FIELDS.filter((name) => name !== 'audioStoragePath');
    expect(sorted(change.remove)).toEqual(
      sorted([...others, ...ERROR_FIELDS, ...RUNNING_FIELDS, ...RETRY_FIELDS, 'audioTextHash']),
    );
  });

  it('a bare failure removes the rest of the error group and keeps the audio of before', () => {
    const change = storyOf(decide(story(), {}, failed(), context));
    expect(change.set).toEqual({
      audioStatus: 'failed',
      audioError: 'boom',
      audioErrorCode: 'model_failed',
      audioErrorRetryable: true,
      audioEventSequence: 4,
    });
    expect(sorted(change.remove)).toEqual(
      sorted(['audioErrorDetails', 'audioErrorMetadata', ...RUNNING_FIELDS, 'audioRetryAt']),
    );
  });

  it('progress removes nothing', () => {
    expect(storyOf(decide(story(), {}, progress(), context)).remove).toEqual([]);
  });
});

const parsed = <T>(result: { ok: true; value: T } | { ok: false; sentence: string }): T => {
  if (!result.ok) throw new Error(result.sentence);
  return result.value;
};

describe('the payloads of the first callback receiver', () => {
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
    const decision = decide(never, {}, messageFromError(parsed(parseErrorCallback(payload))), context);
    expect(storyOf(decision)).toEqual({
      set: {
        audioStatus: 'failed',
        audioJobId: 'job_abc123',
        audioError: 'Voice profile not found',
        audioErrorDetails: 'The voice profile file was not found in storage',
        audioErrorCode: 'voice_profile_missing',
        audioErrorRetryable: false,
        audioErrorMetadata: payload.metadata,
        audioEventSequence: 1,
      },
      remove: [...RUNNING_FIELDS, 'audioRetryAt', 'audioRunpodJobId'],
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
    const change = storyOf(decide(story(), {}, messageFromError(parsed(parseErrorCallback(body))), context));
    expect(change).toEqual({
      set: {
        audioStatus: 'failed',
        audioError: 'Voice profile not found',
        audioErrorCode: 'voice_profile_missing',
        audioErrorRetryable: false,
        audioEventSequence: 4,
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
    const decision = decide(story(), {}, messageFromSuccess(parsed(parseSuccessCallback(body))), context);
    expect(storyOf(decision).set).toEqual({
      audioStatus: 'ready',
      audioUrl: 'https://cdn.test/a.mp3',
      audioStoragePath: 'audio/a.mp3',
      audioMetadata: body.metadata,
      voiceId: 'voice789',
      audioEventSequence: 4,
    });
    expect(decision).toMatchObject({
      attempt: { change: { set: { engine: 'chatterbox', worker: 'w1', voiceId: 'voice789' } } },
    });
  });
});
