import { type Change, createNames } from '@taleback/core';
import {
  type DocumentReference,
  FieldValue,
  type Firestore,
  type Transaction,
} from 'firebase-admin/firestore';
import { TimedOut, within } from './within.ts';

const names = createNames();
export const { stories: STORIES, attempts: ATTEMPTS } = names.collections;
export const OWNER_FIELD = names.ownerField;
/** Tries of one transaction; a story's messages come from one worker, so few ever meet. */
const MAX_TRANSACTION_ATTEMPTS = 8;

/**
 * gRPC statuses after which the same call may succeed: deadline, exhausted, aborted, internal, unavailable,
 * and cancelled, which is what a closing connection gives.
 * @see https://grpc.io/docs/guides/status-codes/
 */
const AWAY_STATUSES: ReadonlySet<unknown> = new Set([1, 4, 8, 10, 13, 14]);

const isAway = (error: unknown): boolean =>
  error instanceof TimedOut || AWAY_STATUSES.has((error as { code?: unknown } | null)?.code);

export interface StoreAway {
  readonly kind: 'store-away';
  readonly cause: string;
}

/** Firestore within a time limit, with its absence as an outcome. */
export interface FirestoreCalls {
  readonly storyRef: (storyId: string) => DocumentReference;
  readonly call: <T>(work: () => Promise<T>) => Promise<T | StoreAway>;
  /** The work is tried anew after a conflict, but within the time limit. */
  readonly transact: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T | StoreAway>;
}

export const createFirestoreCalls = (
  firestore: Firestore,
  { timeoutMs }: { readonly timeoutMs: number },
): FirestoreCalls => {
  const call = async <T>(work: () => Promise<T>): Promise<T | StoreAway> => {
    try {
      return await within(timeoutMs, work());
    } catch (error) {
      if (!isAway(error)) throw error;
      return { kind: 'store-away', cause: error instanceof Error ? error.message : String(error) };
    }
  };
  return {
    storyRef: (storyId) => firestore.collection(STORIES).doc(storyId),
    call,
    transact: (work) => {
      const endsAtMs = performance.now() + timeoutMs;
      const tryOnce = (transaction: Transaction): ReturnType<typeof work> => {
        // Who waits for a lock holds others: tries that nobody waits for any more would keep everybody from theirs.
        if (performance.now() > endsAtMs) throw new TimedOut('nobody waits for this transaction any more');
        return work(transaction);
      };
      return call(() => firestore.runTransaction(tryOnce, { maxAttempts: MAX_TRANSACTION_ATTEMPTS }));
    },
  };
};

/** A change as Firestore's update and merge take it. */
export const withRemovals = (change: Change): Record<string, unknown> => ({
  ...change.set,
  ...Object.fromEntries(change.remove.map((name) => [name, FieldValue.delete()])),
});
