import { AUDIO_STATUSES, readStoryAudio } from '@taleback/core';
import {
  type DocumentSnapshot,
  type Firestore,
  type Query,
  type QueryDocumentSnapshot,
  Timestamp,
} from 'firebase-admin/firestore';
import type { SweepQuery, SweepStore, SweptStory } from '../sweep/index.ts';
import { createFirestoreCalls, OWNER_FIELD, STORIES } from './firestore-calls.ts';

const UNDER_WAY = AUDIO_STATUSES.filter((status) => status === 'pending' || status === 'processing');

const TIME_FIELDS = {
  'lease-expired': 'audioLeaseExpiresAt',
  untouched: 'updatedAt',
  'retry-due': 'audioRetryAt',
} as const satisfies Record<SweepQuery['kind'], string>;

/** What a sweep reads of a story: not its text, which may be the largest part. */
const FIELDS = [
  OWNER_FIELD,
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

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const readSwept = (document: QueryDocumentSnapshot): SweptStory => {
  const fields = document.data();
  const { updatedAt } = fields;
  return {
    storyId: document.id,
    userId: text(fields[OWNER_FIELD]),
    language: text(fields['language']),
    audio: readStoryAudio(fields),
    updatedAtMs: updatedAt instanceof Timestamp ? updatedAt.toMillis() : undefined,
  };
};

const findBy = (firestore: Firestore, { kind, byMs }: SweepQuery): Query => {
  const field = TIME_FIELDS[kind];
  const stories = firestore.collection(STORIES);
  const inState =
    kind === 'retry-due'
      ? stories.where('audioStatus', '==', 'failed')
      : stories.where('audioStatus', 'in', UNDER_WAY);
  return inState
    .where(field, '<=', Timestamp.fromMillis(byMs))
    .orderBy(field)
    .select(...FIELDS);
};

/** Finds stories in Cloud Firestore by the times that they keep. */
export const createFirestoreSweep = (
  firestore: Firestore,
  options: { readonly timeoutMs: number },
): SweepStore => {
  const { call } = createFirestoreCalls(firestore, options);
  return {
    list: (query, limit, from) =>
      call(async () => {
        const found = findBy(firestore, query).limit(limit);
        const { docs } = await (from === undefined
          ? found
          : found.startAfter(from as DocumentSnapshot)
        ).get();
        const next = docs.length < limit ? undefined : docs.at(-1);
        return { kind: 'page' as const, stories: docs.map(readSwept), next };
      }),
  };
};
