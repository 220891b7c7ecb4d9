import { createHash } from 'node:crypto';
import type { Names } from '@taleback/core';
import {
  type DocumentReference,
  type DocumentSnapshot,
  FieldValue,
  type Firestore,
} from 'firebase-admin/firestore';
import { createFirestoreCalls, type FirestoreOptions } from '../stories/firestore-calls.node.ts';
import type { NarrationEvent } from './narration-event.ts';

/** The document of an owed event. Its id is hashed, because it may hold characters that a document id must not. */
export const owedRef = (firestore: Firestore, { collections }: Names, id: string): DocumentReference =>
  firestore.collection(collections.owedEvents).doc(createHash('sha256').update(id).digest('hex'));

export const owedFields = (event: object): Record<string, unknown> => ({
  event,
  owedSince: FieldValue.serverTimestamp(),
});

/** Events that may not have been published yet, in Cloud Firestore. */
export const createOwedEvents = (firestore: Firestore, options: FirestoreOptions) => {
  const { call, names } = createFirestoreCalls(firestore, options);
  return {
    /** Keeps an event; one with the same id is replaced. */
    keep: (event: NarrationEvent) =>
      call(async () => {
        await owedRef(firestore, names, event.id).set(owedFields(event));
        return { kind: 'kept' as const };
      }),
    /** At most so many, the longest owed first. `next` is where the next page begins, undefined at the end. */
    list: (limit: number, from?: DocumentSnapshot) =>
      call(async () => {
        const oldest = firestore.collection(names.collections.owedEvents).orderBy('owedSince').limit(limit);
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

export type OwedEvents = ReturnType<typeof createOwedEvents>;
