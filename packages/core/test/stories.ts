import type { Decision } from '../src/story/decide.ts';
import type { FailedMessage, ProgressMessage, ReadyMessage } from '../src/story/message.ts';
import type { AttemptAudio, StoryAudio, TransitionContext } from '../src/story/story-audio.ts';

/** Stories, attempts and messages for tests of the state machine. */

export const NOW_MS = 1_800_000_000_000;
export const LEASE_MS = 60_000;
export const AT = new Date(NOW_MS);
export const context: TransitionContext = { source: 'callback', nowMs: NOW_MS, leaseMs: LEASE_MS };

export const ERROR_FIELDS = [
  'audioError',
  'audioErrorDetails',
  'audioErrorCode',
  'audioErrorRetryable',
  'audioErrorMetadata',
];
export const AUDIO_FIELDS = ['audioUrl', 'audioStoragePath', 'audioDurationMs', 'audioMetadata'];
export const RUNNING_FIELDS = ['audioProgress', 'audioLeaseExpiresAt', 'audioUsageId'];
export const RETRY_FIELDS = ['audioRetryAt', 'audioAutoRetries', 'audioAutoRetry'];

export const ready = (over: Partial<ReadyMessage> = {}): ReadyMessage => ({
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
export const failed = (over: Partial<FailedMessage> = {}): FailedMessage => ({
  kind: 'failed',
  jobId: 'job1',
  error: 'boom',
  details: undefined,
  code: 'model_failed',
  retryable: true,
  metadata: undefined,
  ...over,
});
export const progress = (over: Partial<ProgressMessage> = {}): ProgressMessage => ({
  kind: 'progress',
  jobId: 'job1',
  stage: 'synthesizing',
  progress: 0.5,
  ...over,
});
export const story = (over: Partial<StoryAudio> = {}): StoryAudio => ({
  status: 'processing',
  jobId: 'job1',
  runpodJobId: 'rp-1',
  attempt: 1,
  progress: undefined,
  leaseExpiresAtMs: undefined,
  retryAtMs: undefined,
  autoRetries: 0,
  mayAutoRetry: true,
  audioUrl: undefined,
  storagePath: undefined,
  audioFields: [],
  contentHash: 'h1',
  askedTextHash: 't1',
  take: 0,
  eventSequence: 3,
  lastEnd: {},
  ...over,
});
export const attempt = (over: Partial<AttemptAudio> = {}): AttemptAudio => ({
  jobId: 'job1',
  number: 1,
  status: 'processing',
  contentHash: 'h1',
  textHash: 't1',
  runpodJobId: undefined,
  before: {},
  ...over,
});
export const foreign = (over: Partial<AttemptAudio> = {}): AttemptAudio =>
  attempt({ number: 0, contentHash: undefined, textHash: undefined, ...over });

export const storyOf = (
  decision: Decision,
): { set: Readonly<Record<string, unknown>>; remove: readonly string[] } => {
  if (decision.story === undefined) throw new Error(`it was ${decision.kind}`);
  return decision.story;
};
export const sorted = (names: readonly string[]): string[] => [...names].sort();
