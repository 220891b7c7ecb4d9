import { type Change, fitDocument, readAttemptAudio, readStoryAudio } from '@taleback/core';
import {
  type DocumentReference,
  FieldValue,
  type Firestore,
  type Transaction,
} from 'firebase-admin/firestore';
import type { ApplyOutcome, StoryStore } from '../receive/index.ts';
import type { AttemptStore, StoryText } from '../request/index.ts';

const STORIES = 'stories';
const ATTEMPTS = 'audioAttempts';
/** Tries of one transaction; a story's messages come from one worker, so few ever meet. */
const MAX_TRANSACTION_ATTEMPTS = 8;

/**
 * gRPC statuses after which the same write may succeed: deadline, exhausted, aborted, internal, unavailable,
 * and cancelled, which is what a closing connection gives.
 * @see https://grpc.io/docs/guides/status-codes/
 */
const AWAY_STATUSES: ReadonlySet<unknown> = new Set([1, 4, 8, 10, 13, 14]);

class StoreTimeout extends Error {}

/** Settles with the work, or fails after a while; the work itself goes on, which is safe as it is idempotent. */
const within = async <T>(timeoutMs: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StoreTimeout(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
};

const isAway = (error: unknown): boolean =>
  error instanceof StoreTimeout || AWAY_STATUSES.has((error as { code?: unknown } | null)?.code);

const causeOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const withRemovals = (change: Change): Record<string, unknown> => ({
  ...change.set,
  ...Object.fromEntries(change.remove.map((name) => [name, FieldValue.delete()])),
});

/** Fits the change into the document; undefined when there is no room even without its metadata. */
const fitChange = (current: Record<string, unknown>, change: Change): Change | undefined => {
  const touched = new Set([...change.remove, ...Object.keys(change.set)]);
  const rest = Object.fromEntries(Object.entries(current).filter(([name]) => !touched.has(name)));
  const metadataField = change.set['audioStatus'] === 'failed' ? 'audioErrorMetadata' : 'audioMetadata';
  const set = fitDocument(rest, { ...change.set }, metadataField);
  if (set === undefined) return undefined;
  const dropped = Object.hasOwn(change.set, metadataField) && !Object.hasOwn(set, metadataField);
  return { set, remove: dropped ? [...change.remove, metadataField] : change.remove };
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const readStoryText = (fields: Record<string, unknown>): StoryText => ({
  userId: text(fields['userId']),
  title: text(fields['title']),
  text: text(fields['text']),
  language: text(fields['language']),
  voiceId: text(fields['voiceId']),
  voiceName: text(fields['voiceName']),
  storyType: text(fields['storyType']),
  audio: readStoryAudio(fields),
});

/** Stories and attempts in Cloud Firestore. A callback costs one read call and one commit. */
export const createFirestoreStories = (
  firestore: Firestore,
  options: { readonly timeoutMs: number },
): StoryStore & AttemptStore => {
  const storyRef = (storyId: string): DocumentReference => firestore.collection(STORIES).doc(storyId);
  const transact = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    within(options.timeoutMs, firestore.runTransaction(work, { maxAttempts: MAX_TRANSACTION_ATTEMPTS }));

  const apply: StoryStore['apply'] = async ({ storyId, jobId }, decide) => {
    const story = storyRef(storyId);
    const attempts = story.collection(ATTEMPTS);
    try {
      return await transact(async (transaction): Promise<ApplyOutcome> => {
        const [storyDoc, attemptDoc] = await transaction.getAll(
          story,
          ...(jobId === undefined ? [] : [attempts.doc(jobId)]),
        );
        const fields = storyDoc?.data();
        if (fields === undefined) return { kind: 'no-such-story' };
        const attemptFields = attemptDoc?.data();
        const decision = decide(
          readStoryAudio(fields),
          attemptFields === undefined ? undefined : readAttemptAudio(attemptFields),
        );
        if (decision.kind === 'applied' || decision.kind === 'adopted') {
          const fitted = fitChange(fields, decision.story);
          if (fitted === undefined) return { kind: 'too-large' };
          transaction.update(story, { ...withRemovals(fitted), updatedAt: FieldValue.serverTimestamp() });
        }
        if ('attempt' in decision && decision.attempt !== undefined) {
          const { jobId: attemptId, change } = decision.attempt;
          transaction.set(
            attempts.doc(attemptId),
            { jobId: attemptId, ...withRemovals(change) },
            { merge: true },
          );
        }
        return { kind: 'decided', decision: decision.kind };
      });
    } catch (error) {
      if (!isAway(error)) throw error;
      return { kind: 'store-away', cause: causeOf(error) };
    }
  };

  const open: AttemptStore['open'] = async (storyId, newJobId, decide) => {
    try {
      return await transact(async (transaction) => {
        const story = storyRef(storyId);
        const fields = (await transaction.get(story)).data();
        const decision = decide(fields === undefined ? undefined : readStoryText(fields));
        if (decision.kind !== 'opened') return decision;
        transaction.update(story, {
          ...withRemovals(decision.story),
          updatedAt: FieldValue.serverTimestamp(),
        });
        transaction.set(story.collection(ATTEMPTS).doc(newJobId), decision.attemptFields);
        return decision;
      });
    } catch (error) {
      if (!isAway(error)) throw error;
      return { kind: 'store-away', cause: causeOf(error) };
    }
  };

  const ping: StoryStore['ping'] = async () => {
    try {
      await within(options.timeoutMs, storyRef('health-probe').get());
      return true;
    } catch {
      return false;
    }
  };

  return { apply, open, ping };
};
