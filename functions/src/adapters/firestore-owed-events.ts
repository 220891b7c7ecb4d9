import { createHash } from 'node:crypto';
import { createNames } from '@taleback/core';
import {
  type DocumentReference,
  type DocumentSnapshot,
  FieldValue,
  type Firestore,
} from 'firebase-admin/firestore';
import type { NarrationEvent, OwedEvents } from '../events/index.ts';
import { createFirestoreCalls } from './firestore-calls.ts';

const { owedEvents: OWED_EVENTS } = createNames().collections;

/** Where something is noted until it is published. An event's id may hold what a document's must not. */
export const owedRef = (firestore: Firestore, id: string): DocumentReference =>
  firestore.collection(OWED_EVENTS).doc(createHash('sha256').update(id).digest('hex'));

/** How it is noted. */
export const owedFields = (event: object): Record<string, unknown> => ({
  event,
  owedSince: FieldValue.serverTimestamp(),
});

/** Events that are still to be published, in Cloud Firestore. */
export const createFirestoreOwedEvents = (
  firestore: Firestore,
  options: { readonly timeoutMs: number },
): OwedEvents => {
  const { call } = createFirestoreCalls(firestore, options);
  return {
    keep: (event) =>
      call(async () => {
        await owedRef(firestore, event.id).set(owedFields(event));
        return { kind: 'kept' as const };
      }),
    list: (limit, from) =>
      call(async () => {
        const oldest = firestore.collection(OWED_EVENTS).orderBy('owedSince').limit(limit);
        const page = from === undefined ? oldest : oldest.startAfter(from as DocumentSnapshot);
        const { docs } = await page.get();
        const events = docs.map((document) => document.get('event') as NarrationEvent);
        return { kind: 'owed' as const, events, next: docs.length < limit ? undefined : docs.at(-1) };
      }),
    settle: (id) =>
      call(async () => {
        await owedRef(firestore, id).delete();
        return { kind: 'settled' as const };
      }),
  };
};
