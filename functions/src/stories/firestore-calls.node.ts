import { type Change, createNames, errorWords, type Names } from '@taleback/core';
import {
  type DocumentReference,
  FieldValue,
  type Firestore,
  type Transaction,
} from 'firebase-admin/firestore';
import type { StoreAway } from './story-store.ts';

/** The other side took too long. */
export class TimedOut extends Error {}

/** Settles with the work, or fails after a while. The work goes on, which is safe because it is idempotent. */
export const within = async <T>(timeoutMs: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
};

/** Tries of one transaction; a story's messages come from one worker, so few ever conflict. */
const MAX_TRANSACTION_ATTEMPTS = 8;

/**
 * gRPC statuses after which the same call may succeed: deadline, exhausted, aborted, internal, unavailable,
 * and cancelled, which is what a closing connection gives.
 * @see https://grpc.io/docs/guides/status-codes/
 */
const AWAY_STATUSES: ReadonlySet<unknown> = new Set([1, 4, 8, 10, 13, 14]);

const isAway = (error: unknown): boolean =>
  error instanceof TimedOut || AWAY_STATUSES.has((error as { code?: unknown } | null)?.code);

export interface FirestoreOptions {
  readonly timeoutMs: number;
  /** Default: the names without an instance. */
  readonly names?: Names;
}

/** Firestore within a time limit, with its absence as an outcome. */
export interface FirestoreCalls {
  readonly firestore: Firestore;
  readonly names: Names;
  readonly storyRef: (storyId: string) => DocumentReference;
  readonly attemptRef: (storyId: string, jobId: string) => DocumentReference;
  readonly call: <T>(work: () => Promise<T>) => Promise<T | StoreAway>;
  /** Tries the work again after a conflict, but only within the time limit. */
  readonly transact: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T | StoreAway>;
}

export const createFirestoreCalls = (
  firestore: Firestore,
  { timeoutMs, names = createNames() }: FirestoreOptions,
): FirestoreCalls => {
  const storyRef = (storyId: string): DocumentReference =>
    firestore.collection(names.collections.stories).doc(storyId);
  const call = async <T>(work: () => Promise<T>): Promise<T | StoreAway> => {
    try {
      return await within(timeoutMs, work());
    } catch (error) {
      if (!isAway(error)) throw error;
      return { kind: 'store-away', cause: errorWords(error) };
    }
  };
  return {
    firestore,
    names,
    storyRef,
    attemptRef: (storyId, jobId) => storyRef(storyId).collection(names.collections.attempts).doc(jobId),
    call,
    transact: (work) => {
      const endsAtMs = performance.now() + timeoutMs;
      const tryOnce = (transaction: Transaction): ReturnType<typeof work> => {
        // A transaction that waits for a lock holds others: after the time limit it would only block its neighbours.
        if (performance.now() > endsAtMs) throw new TimedOut('the caller of this transaction has timed out');
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

/** A field's text; undefined when it is empty or not text. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
