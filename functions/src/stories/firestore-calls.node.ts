import { type Change, createNames, errorWords, type Names } from '@taleback/core';
import {
  type DocumentReference,
  FieldValue,
  type Firestore,
  type Transaction,
} from 'firebase-admin/firestore';

/** Whether anything was read or written is not known; trying again is safe. */
export interface StoreAway {
  readonly kind: 'store-away';
  readonly cause: string;
}

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

/** INVALID_ARGUMENT, which Firestore answers for a transaction that waited too long, too. */
const isExpiredTransaction = (code: unknown, error: unknown): boolean =>
  code === 3 && /transaction has expired/.test(errorWords(error));

const isAway = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code;
  return error instanceof TimedOut || AWAY_STATUSES.has(code) || isExpiredTransaction(code, error);
};

export interface FirestoreOptions {
  readonly timeoutMs: number;
  /** Default: the names without an instance. */
  readonly names?: Names;
}

export type FirestoreCalls = ReturnType<typeof createFirestoreCalls>;

/** Firestore within a time limit, with its absence as an outcome. */
export const createFirestoreCalls = (
  firestore: Firestore,
  { timeoutMs, names = createNames() }: FirestoreOptions,
) => {
  const storyRef = (storyId: string): DocumentReference =>
    firestore.collection(names.collections.stories).doc(storyId);
  const attemptRef = (storyId: string, jobId: string): DocumentReference =>
    storyRef(storyId).collection(names.collections.attempts).doc(jobId);
  const usageRef = (usageId: string): DocumentReference =>
    firestore.collection(names.collections.usage).doc(usageId);
  const call = async <T>(work: () => Promise<T>): Promise<T | StoreAway> => {
    try {
      return await within(timeoutMs, work());
    } catch (error) {
      if (!isAway(error)) throw error;
      return { kind: 'store-away', cause: errorWords(error) };
    }
  };
  const lastTurns = new Map<string, Promise<unknown>>();
  const inTurn = <T>(key: string, run: () => Promise<T>): Promise<T> => {
    const turn = (lastTurns.get(key) ?? Promise.resolve()).then(run, run);
    lastTurns.set(key, turn);
    const leave = (): unknown => lastTurns.get(key) === turn && lastTurns.delete(key);
    turn.then(leave, leave);
    return turn;
  };
  /**
   * Tries the work again after a conflict, but only within the time limit.
   *
   * @param key transactions of one key run one after another here: those on the same document would wait for each other's
   * locks. Default: at once
   */
  const transact = <T>(
    work: (transaction: Transaction) => Promise<T>,
    key?: string,
  ): Promise<T | StoreAway> => {
    const endsAtMs = performance.now() + timeoutMs;
    const requireCaller = (): void => {
      if (performance.now() > endsAtMs) throw new TimedOut('the caller of this transaction has timed out');
    };
    const tryOnce = async (transaction: Transaction): Promise<T> => {
      // A transaction that waits for a lock holds others: after the time limit it would only block its neighbours.
      requireCaller();
      const done = await work(transaction);
      // What the caller does next would be missing, such as queueing the job of the attempt that is opened here.
      requireCaller();
      return done;
    };
    const run = (): Promise<T> =>
      firestore.runTransaction(tryOnce, { maxAttempts: MAX_TRANSACTION_ATTEMPTS });
    return call(() => (key === undefined ? run() : inTurn(key, run)));
  };
  return { firestore, names, storyRef, attemptRef, usageRef, call, transact };
};

/** A change as Firestore's update and merge take it. */
export const withRemovals = (change: Change): Record<string, unknown> => ({
  ...change.set,
  ...Object.fromEntries(change.remove.map((name) => [name, FieldValue.delete()])),
});
