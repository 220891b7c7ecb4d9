import {
  type AttemptStatus,
  AUDIO_STATUSES,
  isRecord,
  readAttemptAudio,
  readStoryAudio,
  type StoryAudio,
  textOf,
} from '@taleback/core';
import { type DocumentData, type DocumentSnapshot, type Query, Timestamp } from 'firebase-admin/firestore';
import type { FirestoreCalls } from './firestore-calls.node.ts';

/** A story and one of its attempts as stored. */
export interface StoredJob {
  readonly story: StoryAudio;
  /** Undefined when the attempt has no document. */
  readonly attemptStatus: AttemptStatus | undefined;
  /** RunPod's id of the attempt, once it is known. */
  readonly runpodJobId: string | undefined;
  /** Why the attempt ended at its dispatch, if it did. */
  readonly refusal: { readonly code: string; readonly cause: string } | undefined;
}

/** What a sweep reads of a story. */
export interface SweptStory {
  readonly storyId: string;
  readonly userId: string | undefined;
  readonly language: string | undefined;
  readonly audio: StoryAudio;
  /** Unix milliseconds; undefined where no server wrote it. */
  readonly updatedAtMs: number | undefined;
}

/**
 * Which stories are listed, the longest waiting first.
 *
 * - `lease-expired`: under way, with a lease that ended by then
 * - `untouched`: under way, and not written since; those without a lease are among them
 * - `retry-due`: failed, to be retried by then
 */
export interface SweepQuery {
  readonly kind: keyof typeof TIME_FIELDS;
  /** Unix milliseconds. */
  readonly byMs: number;
}

/** A job that the queue itself did not take was never dispatched. */
const refusalOf = (attempt: DocumentData): StoredJob['refusal'] => {
  const error = isRecord(attempt['error']) ? attempt['error'] : {};
  const code = textOf(error['code']) ?? 'unknown';
  const isOfDispatch =
    attempt['status'] === 'failed' && attempt['transitions']?.failed?.source === 'dispatch';
  if (!isOfDispatch || code === 'queue_unavailable') return undefined;
  return { code, cause: textOf(error['details']) ?? '' };
};

const UNDER_WAY = AUDIO_STATUSES.filter((status) => status === 'pending' || status === 'processing');

const TIME_FIELDS = {
  'lease-expired': 'audioLeaseExpiresAt',
  untouched: 'updatedAt',
  'retry-due': 'audioRetryAt',
} as const;

/** What a sweep reads of a story, beside its owner: not its text, which may be the largest part. */
const SWEPT_FIELDS = [
  'language',
  'updatedAt',
  'audioStatus',
  'audioJobId',
  'audioRunpodJobId',
  'audioAttempt',
  'audioProgress',
  'audioLeaseExpiresAt',
  'audioRetryAt',
  'audioAutoRetries',
  'audioAutoRetry',
] as const;

/** Jobs as they are stored, and the stories that a sweep looks into. */
export const createFirestoreJobs = (calls: FirestoreCalls) => {
  const { firestore, names, storyRef, attemptRef, call } = calls;
  const findBy = ({ kind, byMs }: SweepQuery): Query => {
    const field = TIME_FIELDS[kind];
    const stories = firestore.collection(names.collections.stories);
    const inState =
      kind === 'retry-due'
        ? stories.where('audioStatus', '==', 'failed')
        : stories.where('audioStatus', 'in', UNDER_WAY);
    return inState
      .where(field, '<=', Timestamp.fromMillis(byMs))
      .orderBy(field)
      .select(names.ownerField, ...SWEPT_FIELDS);
  };
  const readSwept = (storyId: string, fields: DocumentData): SweptStory => {
    const { updatedAt, language } = fields;
    return {
      storyId,
      userId: textOf(fields[names.ownerField]),
      language: textOf(language),
      audio: readStoryAudio(fields),
      updatedAtMs: updatedAt instanceof Timestamp ? updatedAt.toMillis() : undefined,
    };
  };

  return {
    readJob: (storyId: string, jobId: string) =>
      call(async () => {
        const [story, attempt] = await firestore.getAll(storyRef(storyId), attemptRef(storyId, jobId));
        const fields = story?.data();
        if (fields === undefined) return { kind: 'no-such-story' as const };
        const known = attempt?.data();
        const job: StoredJob = {
          story: readStoryAudio(fields),
          attemptStatus: known && readAttemptAudio(jobId, known).status,
          runpodJobId: textOf(known?.['runpodJobId']),
          refusal: known && refusalOf(known),
        };
        return { kind: 'found' as const, job };
      }),
    /** Lists stories that wait for nothing. `next` is where the next page begins, undefined at the end. */
    listOverdue: (query: SweepQuery, limit: number, from?: DocumentSnapshot) =>
      call(async () => {
        const found = findBy(query).limit(limit);
        const { docs } = await (from === undefined ? found : found.startAfter(from)).get();
        const next: DocumentSnapshot | undefined = docs.length < limit ? undefined : docs.at(-1);
        const stories = docs.map((document) => readSwept(document.id, document.data()));
        return { kind: 'page' as const, stories, next };
      }),
  };
};
