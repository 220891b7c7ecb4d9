import type { Names } from '@taleback/core';
import {
  type DocumentReference,
  type DocumentSnapshot,
  FieldValue,
  type Firestore,
  Timestamp,
} from 'firebase-admin/firestore';
import { createFirestoreCalls, type FirestoreOptions } from '../stories/firestore-calls.node.ts';
import type { NarrationEvent } from './narration-event.ts';

/** The document of an event, written with its end and deleted when it is published. */
export const owedRef = (firestore: Firestore, { collections }: Names, id: string): DocumentReference =>
  firestore.collection(collections.owedEvents).doc(id);

export const owedFields = (event: NarrationEvent): Record<string, unknown> => ({
  event,
  owedSince: FieldValue.serverTimestamp(),
});

/** Events that may not have been published yet, in Cloud Firestore. */
export const createOwedEvents = (firestore: Firestore, options: FirestoreOptions) => {
  const { call, names } = createFirestoreCalls(firestore, options);
  return {
    /**
     * At most so many that were written by then, in Unix milliseconds, the longest owed first. `next` is where the next
     * page begins, undefined at the end.
     */
    list: (byMs: number, limit: number, from?: DocumentSnapshot) =>
      call(async () => {
        const oldest = firestore
          .collection(names.collections.owedEvents)
          .where('owedSince', '<=', Timestamp.fromMillis(byMs))
          .orderBy('owedSince')
          .limit(limit);
        const { docs } = await (from === undefined ? oldest : oldest.startAfter(from)).get();
        const events = docs.map((document) => document.get('event') as NarrationEvent);
        return { kind: 'owed' as const, events, next: docs.length < limit ? undefined : docs.at(-1) };
      }),
    /** Deletes an event that was published, if it exists. */
    settle: (id: string) =>
      call(async () => {
        await owedRef(firestore, names, id).delete();
        return { kind: 'settled' as const };
      }),
  };
};

export type OwedEvents = Pick<ReturnType<typeof createOwedEvents>, 'list' | 'settle'>;
