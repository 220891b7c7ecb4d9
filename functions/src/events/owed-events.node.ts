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
import type { OwedEvents } from './publish-owed.ts';

/** The document of an owed event. Its id is hashed, because it may hold characters that a document id must not. */
export const owedRef = (firestore: Firestore, { collections }: Names, id: string): DocumentReference =>
  firestore.collection(collections.owedEvents).doc(createHash('sha256').update(id).digest('hex'));

export const owedFields = (event: object): Record<string, unknown> => ({
  event,
  owedSince: FieldValue.serverTimestamp(),
});

/** Events that are not published yet, in Cloud Firestore. */
export const createOwedEvents = (firestore: Firestore, options: FirestoreOptions): OwedEvents => {
  const { call, names } = createFirestoreCalls(firestore, options);
  return {
    keep: (event) =>
      call(async () => {
        await owedRef(firestore, names, event.id).set(owedFields(event));
        return { kind: 'kept' as const };
      }),
    list: (limit, from) =>
      call(async () => {
        const oldest = firestore.collection(names.collections.owedEvents).orderBy('owedSince').limit(limit);
        const page = from === undefined ? oldest : oldest.startAfter(from as DocumentSnapshot);
        const { docs } = await page.get();
        const events = docs.map((document) => document.get('event') as NarrationEvent);
        return { kind: 'owed' as const, events, next: docs.length < limit ? undefined : docs.at(-1) };
      }),
    settle: (id) =>
      call(async () => {
        await owedRef(firestore, names, id).delete();
        return { kind: 'settled' as const };
      }),
  };
};
