import { AUDIO_STATUSES, readAttemptAudio, readStoryAudio } from '@taleback/core';
import { type DocumentSnapshot, type Query, Timestamp } from 'firebase-admin/firestore';
import { type FirestoreCalls, textOf } from './firestore-calls.node.ts';
import type { StoredJob, StoryStore, SweepQuery, SweptStory } from './story-store.ts';

type Fields = Record<string, unknown>;

/** A job that the queue itself did not take was never dispatched. */
const refusalOf = (fields: Fields | undefined): StoredJob['refusal'] => {
  const { status, transitions, error } = (fields ?? {}) as {
    readonly status?: unknown;
    readonly transitions?: { readonly failed?: { readonly source?: unknown } };
    readonly error?: { readonly code?: unknown; readonly details?: unknown };
  };
  const code = textOf(error?.code) ?? 'unknown';
  const isOfDispatch = status === 'failed' && transitions?.failed?.source === 'dispatch';
  if (!isOfDispatch || code === 'queue_unavailable') return undefined;
  return { code, cause: textOf(error?.details) ?? '' };
};

const UNDER_WAY = AUDIO_STATUSES.filter((status) => status === 'pending' || status === 'processing');

const TIME_FIELDS = {
  'lease-expired': 'audioLeaseExpiresAt',
  untouched: 'updatedAt',
  'retry-due': 'audioRetryAt',
} as const satisfies Record<SweepQuery['kind'], string>;

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

/** RunPod's ids of our jobs, and the stories that a sweep looks into. */
export const createFirestoreJobs = ({
  firestore,
  names,
  storyRef,
  attemptRef,
  call,
  transact,
}: FirestoreCalls): Pick<StoryStore, 'readJob' | 'recordRunpodJob' | 'listOverdue'> => {
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
  const readSwept = (storyId: string, fields: Fields): SweptStory => {
    const { updatedAt } = fields;
    return {
      storyId,
      userId: textOf(fields[names.ownerField]),
      language: textOf(fields['language']),
      audio: readStoryAudio(fields),
      updatedAtMs: updatedAt instanceof Timestamp ? updatedAt.toMillis() : undefined,
    };
  };

  return {
    readJob: (storyId, jobId) =>
      call(async () => {
        const [story, attempt] = await firestore.getAll(storyRef(storyId), attemptRef(storyId, jobId));
        const fields = story?.data();
        if (fields === undefined) return { kind: 'no-such-story' as const };
        const known = attempt?.data();
        const job = {
          story: readStoryAudio(fields),
          attemptStatus: known === undefined ? undefined : readAttemptAudio(known).status,
          runpodJobId: textOf(known?.['runpodJobId']),
          refusal: refusalOf(known),
        };
        return { kind: 'found' as const, job };
      }),
    recordRunpodJob: (storyId, jobId, runpodJobId) =>
      transact(async (transaction) => {
        const story = storyRef(storyId);
        const attempt = attemptRef(storyId, jobId);
        const [storyDoc, attemptDoc] = await transaction.getAll(story, attempt);
        const fields = storyDoc?.data();
        if (fields === undefined) return { kind: 'no-such-story' as const };
        const known = textOf(attemptDoc?.data()?.['runpodJobId']);
        if (known !== undefined && known !== runpodJobId) return { kind: 'other' as const };
        transaction.set(attempt, { jobId, runpodJobId }, { merge: true });
        if (readStoryAudio(fields).jobId === jobId)
          transaction.update(story, { audioRunpodJobId: runpodJobId });
        return { kind: 'recorded' as const };
      }),
    listOverdue: (query, limit, from) =>
      call(async () => {
        const found = findBy(query).limit(limit);
        const page = from === undefined ? found : found.startAfter(from as DocumentSnapshot);
        const { docs } = await page.get();
        const next = docs.length < limit ? undefined : docs.at(-1);
        const stories = docs.map((document) => readSwept(document.id, document.data()));
        return { kind: 'page' as const, stories, next };
      }),
  };
};
