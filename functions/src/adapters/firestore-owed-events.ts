import { createHash } from 'node:crypto';
import { type DocumentReference, FieldValue, type Firestore } from 'firebase-admin/firestore';
import type { NarrationEvent, OwedEvents } from '../events/index.ts';
import { createFirestoreCalls } from './firestore-calls.ts';

const OWED_EVENTS = 'ttsOwedEvents';

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
    list: (limit) =>
      call(async () => {
        const found = await firestore.collection(OWED_EVENTS).orderBy('owedSince').limit(limit).get();
        return {
          kind: 'owed' as const,
          events: found.docs.map((document) => document.get('event') as NarrationEvent),
        };
      }),
    settle: (id) =>
      call(async () => {
        await owedRef(firestore, id).delete();
        return { kind: 'settled' as const };
      }),
  };
};
