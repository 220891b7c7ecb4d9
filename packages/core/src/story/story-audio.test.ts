import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUDIO_STATUSES, type StoryAudio, readAttemptAudio, readStoryAudio } from './story-audio.ts';

const never: StoryAudio = {
  status: undefined,
  jobId: undefined,
  runpodJobId: undefined,
  attempt: 0,
  progress: undefined,
  leaseExpiresAtMs: undefined,
  retryAtMs: undefined,
  autoRetries: 0,
  mayAutoRetry: true,
  audioUrl: undefined,
  storagePath: undefined,
  audioFields: [],
  contentHash: undefined,
  askedTextHash: undefined,
  take: 0,
  eventSequence: 0,
  lastEnd: {},
};

describe('readStoryAudio', () => {
  it('reads a story under way', () => {
    const fields = {
      audioStatus: 'processing',
      audioJobId: 'j1',
      audioRunpodJobId: 'rp1',
      audioAttempt: 2,
      audioProgress: 0.5,
      audioLeaseExpiresAt: new Date(5_000),
      audioRetryAt: new Date(6_000),
      audioAutoRetries: 1,
      audioAutoRetry: false,
      audioUrl: 'https://a.test/of-before.mp3',
      audioStoragePath: 'of-before.mp3',
      audioContentHash: 'h',
      audioAskedTextHash: 't',
      audioTake: 1,
      audioEventSequence: 4,
      title: 'A tale',
    };
    expect(readStoryAudio(fields)).toEqual({
      status: 'processing',
      jobId: 'j1',
      runpodJobId: 'rp1',
      attempt: 2,
      progress: 0.5,
      leaseExpiresAtMs: 5_000,
      retryAtMs: 6_000,
      autoRetries: 1,
      mayAutoRetry: false,
      audioUrl: 'https://a.test/of-before.mp3',
      storagePath: 'of-before.mp3',
      audioFields: ['audioUrl', 'audioStoragePath'],
      contentHash: 'h',
      askedTextHash: 't',
      take: 1,
      eventSequence: 4,
      lastEnd: { audioStatus: 'ready' },
    });
  });

  it('reads the last end, without metadata', () => {
    const end = { audioStatus: 'failed', audioJobId: 'j1', audioError: 'e', audioErrorCode: 'unknown' };
    expect(readStoryAudio({ ...end, audioErrorMetadata: { a: 1 }, audioErrorDetails: null }).lastEnd).toEqual(
      end,
    );
  });

  it("reads Firestore's timestamps, which need their own object", () => {
    class Timestamp {
      readonly seconds = 7;
      toMillis(): number {
        return this.seconds * 1000;
      }
    }
    expect(readStoryAudio({ audioLeaseExpiresAt: new Timestamp() }).leaseExpiresAtMs).toBe(7_000);
    expect(readStoryAudio({ audioLeaseExpiresAt: 9_000 }).leaseExpiresAtMs).toBe(9_000);
  });

  it.each<[string, Record<string, unknown>]>([
    ['nothing', {}],
    [
      'null everywhere, as older writers left it',
      {
        audioStatus: null,
        audioJobId: null,
        audioAttempt: null,
        audioProgress: null,
        audioLeaseExpiresAt: null,
        audioRetryAt: null,
        audioAutoRetries: null,
      },
    ],
    [
      'words of another trade',
      {
        audioStatus: 'done',
        audioJobId: '',
        audioRunpodJobId: 3,
        audioAttempt: 'two',
        audioProgress: '50%',
        audioLeaseExpiresAt: 'soon',
        audioAutoRetries: 'once',
      },
    ],
    [
      'numbers that are none',
      { audioAttempt: Number.NaN, audioProgress: Number.POSITIVE_INFINITY, audioLeaseExpiresAt: Number.NaN },
    ],
    ['a negative attempt', { audioAttempt: -3, audioAutoRetries: -1 }],
    ['a time without millis', { audioLeaseExpiresAt: { toMillis: 5 } }],
  ])('counts %s as absent', (_what, fields) => {
    expect(readStoryAudio(fields)).toEqual(never);
  });

  it('counts whole attempts', () => {
    expect(readStoryAudio({ audioAttempt: 2.9 }).attempt).toBe(2);
  });

  it('never throws, whatever the document contains', () => {
    const value = fc.anything();
    const fields = fc.record({
      audioStatus: value,
      audioJobId: value,
      audioAttempt: value,
      audioProgress: value,
      audioLeaseExpiresAt: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fields, (document) => {
        const read = readStoryAudio(document);
        expect(Number.isInteger(read.attempt) && read.attempt >= 0).toBe(true);
        expect(read.status === undefined || AUDIO_STATUSES.includes(read.status)).toBe(true);
      }),
    );
  });
});

describe('readAttemptAudio', () => {
  it.each([...AUDIO_STATUSES, 'cancelled'])('reads %s', (status) => {
    const hashes = { contentHash: 'h', textHash: 't', runpodJobId: 'rp' };
    const before = { audioStatus: 'ready' };
    const read = readAttemptAudio('j1', { status, number: 2, ...hashes, before });
    expect(read).toEqual({ jobId: 'j1', number: 2, status, ...hashes, before });
  });

  it.each([{}, { status: 'done', number: 'two', contentHash: 7, before: 'x' }])(
    'counts what it does not know as absent',
    (fields) => {
      const absent = { contentHash: undefined, textHash: undefined, runpodJobId: undefined, before: {} };
      expect(readAttemptAudio('j1', fields)).toEqual({
        jobId: 'j1',
        number: 0,
        status: undefined,
        ...absent,
      });
    },
  );
});
