import { type Attempt, readAttempt } from '../../src/documents/attempt.ts';
import type { Fields } from '../../src/documents/fields.ts';
import { readStory, type Story } from '../../src/documents/story.ts';
import type { Reader } from '../../src/live/feed.ts';
import SAMPLES from '../../src/stories/samples.json' with { type: 'json' };

/** 1 March 2026, 10:00 UTC: what the fixtures take for now. */
export const FIXTURE_NOW_MS = Date.UTC(2026, 2, 1, 10);
export const MINUTE_MS = 60_000;
export const STORY_ID = 'story-1';
const JOB_ID = 'job_7f3a1c';

export const GUEST: Reader = { uid: 'reader-1', isGuest: true, name: undefined };

const BASE: Fields = {
  userId: GUEST.uid,
  title: SAMPLES[0]?.title,
  text: SAMPLES[0]?.text,
  language: 'en',
  voiceId: 'slt',
  voiceName: 'Clara',
  storyType: 'user',
  createdAt: FIXTURE_NOW_MS - 42 * MINUTE_MS,
};

export const asked = (fields: Fields): Fields => ({ audioJobId: JOB_ID, audioAttempt: 2, ...fields });

export const story = (fields: Fields = {}): Story => readStory(STORY_ID, { ...BASE, ...fields });

export const OTHERS: readonly Story[] = [
  readStory('story-2', {
    ...BASE,
    title: 'The Crow and the Pitcher',
    createdAt: FIXTURE_NOW_MS - 80 * MINUTE_MS,
    ...asked({ audioStatus: 'ready', audioUrl: 'https://audio.test/crow.mp3' }),
  }),
  readStory('story-3', {
    ...BASE,
    title: 'A letter to whoever keeps the lighthouse in winter',
    createdAt: FIXTURE_NOW_MS - 2000 * MINUTE_MS,
    ...asked({ audioStatus: 'failed', audioErrorCode: 'machine_overloaded' }),
  }),
];

const attempt = (id: string, fields: Fields): Attempt => readAttempt(id, fields);
export const FIRST_ATTEMPT = attempt('job_1c9e20', {
  jobId: 'job_1c9e20',
  number: 1,
  status: 'failed',
  requestedAt: FIXTURE_NOW_MS - 12 * MINUTE_MS,
  endedAt: FIXTURE_NOW_MS - 12 * MINUTE_MS + 8400,
  engine: 'flite',
  worker: 'worker-1',
  error: { code: 'gpu_out_of_memory', message: 'CUDA out of memory.', retryable: true },
  transitions: {
    pending: { source: 'person', at: FIXTURE_NOW_MS - 12 * MINUTE_MS },
    failed: { source: 'callback', at: FIXTURE_NOW_MS - 12 * MINUTE_MS + 8400 },
  },
});
export const BARE_ATTEMPT = attempt('job_old', {});
export const running = (fields: Fields): Attempt =>
  attempt(JOB_ID, {
    jobId: JOB_ID,
    number: 2,
    requestedAt: FIXTURE_NOW_MS - MINUTE_MS,
    transitions: { pending: { source: 'person', at: FIXTURE_NOW_MS - MINUTE_MS } },
    ...fields,
  });
