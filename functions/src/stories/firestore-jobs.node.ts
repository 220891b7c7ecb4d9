import { AUDIO_STATUSES, isUnderWay, readStoryAudio, type StoryAudio, textOf } from '@taleback/core';
import { type DocumentSnapshot, FieldPath, type Query, Timestamp } from 'firebase-admin/firestore';
import { readStoredJob } from './documents.ts';
import type { FirestoreCalls } from './firestore-calls.node.ts';

/** What a sweep reads of a story. */
export interface SweptStory {
  readonly storyId: string;
  readonly userId: string | undefined;
  readonly language: string | undefined;
  readonly audio: StoryAudio;
  /** Whether its lease is a time as the store keeps it, by which an expired one is found. */
  readonly hasLease: boolean;
}

/**
 * Which stories are listed, the longest waiting first.
 *
 * - `lease-expired`: under way, with a lease that ended by then
 * - `retry-due`: failed, to be retried by then; a boolean or number sorts before all times, and is listed too
 * - `retry-late`: failed, to be retried after then; text, a map and the like sort after all times, and are listed too
 */
export interface SweepQuery {
  readonly kind: keyof typeof TIME_FIELDS;
  /** Unix milliseconds. */
  readonly byMs: number;
}

const UNDER_WAY = AUDIO_STATUSES.filter(isUnderWay);

const TIME_FIELDS = {
  'lease-expired': 'audioLeaseExpiresAt',
  'retry-due': 'audioRetryAt',
  'retry-late': 'audioRetryAt',
} as const;

/** What a sweep reads of a story, beside its owner: not its text, which may be the largest part. */
const SWEPT_FIELDS = [
  'language',
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
  const stories = firestore.collection(names.collections.stories).select(names.ownerField, ...SWEPT_FIELDS);
  const underWay = stories.where('audioStatus', 'in', UNDER_WAY);
  const roundRef = firestore.doc(names.documents.sweepRound);
  const findBy = ({ kind, byMs }: SweepQuery): Query => {
    const field = TIME_FIELDS[kind];
    const by = Timestamp.fromMillis(byMs);
    if (kind === 'lease-expired') return underWay.where(field, '<=', by).orderBy(field);
    // A filter keeps to one type of value; the bounds of an order do not.
    const failed = stories.where('audioStatus', '==', 'failed').orderBy(field);
    return kind === 'retry-due' ? failed.startAfter(null).endAt(by) : failed.startAfter(by);
  };
  const readSwept = (document: DocumentSnapshot): SweptStory => {
    const fields = document.data() ?? {};
    return {
      storyId: document.id,
      userId: textOf(fields[names.ownerField]),
      language: textOf(fields['language']),
      audio: readStoryAudio(fields),
      hasLease: fields['audioLeaseExpiresAt'] instanceof Timestamp,
    };
  };

  return {
    readJob: (storyId: string, jobId: string) =>
      call(async () => {
        const [story, attempt] = await firestore.getAll(storyRef(storyId), attemptRef(storyId, jobId));
        const fields = story?.data();
        if (fields === undefined) return { kind: 'no-such-story' as const };
        const job = readStoredJob(jobId, fields, attempt?.data());
        return { kind: 'found' as const, job };
      }),
    /** Lists stories that wait for nothing. `next` is where the next page begins, undefined at the end. */
    listOverdue: (query: SweepQuery, limit: number, from?: DocumentSnapshot) =>
      call(async () => {
        const found = findBy(query).limit(limit);
        const { docs } = await (from === undefined ? found : found.startAfter(from)).get();
        const next: DocumentSnapshot | undefined = docs.length < limit ? undefined : docs.at(-1);
        return { kind: 'page' as const, stories: docs.map(readSwept), next };
      }),
    /**
     * Lists the next stories under way, by their ids, in a round that starts again after the last one. The round moves on
     * before they are looked into, so that none of them can hold it up.
     */
    listNextInRound: (limit: number) =>
      call(async () => {
        const stored: unknown = (await roundRef.get()).get('after');
        const after = textOf(stored)?.includes('/') === false ? stored : undefined;
        const next = underWay.orderBy(FieldPath.documentId()).limit(limit);
        const { docs } = await (after === undefined ? next : next.startAfter(after)).get();
        const last = docs.length < limit ? null : (docs.at(-1)?.id ?? null);
        if (last !== (stored ?? null)) await roundRef.set({ after: last });
        return { kind: 'page' as const, stories: docs.map(readSwept) };
      }),
  };
};
