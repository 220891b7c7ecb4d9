import type { TransitionContext } from '@taleback/core';
import { type DocumentSnapshot, FieldValue, type Transaction } from 'firebase-admin/firestore';
import { owedFields, owedRef } from '../events/owed-events.node.ts';
import {
  type ApplyOutcome,
  applyToDocuments,
  attemptIdOf,
  type Decide,
  isKnownFromStory,
  type MessageDocuments,
  type MessageTarget,
  type MessageWrites,
  recordInDocuments,
  type RecordOutcome,
} from './documents.ts';
import { type FirestoreCalls, type StoreAway, withRemovals } from './firestore-calls.node.ts';

const documentOf = (document: DocumentSnapshot | undefined): MessageDocuments['named'] => {
  const fields = document?.data();
  return document === undefined || fields === undefined ? undefined : { jobId: document.id, fields };
};

/** Reads a story and the attempts that a message is about; undefined when there is no such story. */
const readForMessage = async (
  transaction: Transaction,
  { names, storyRef, attemptRef }: FirestoreCalls,
  storyId: string,
  jobId: string | undefined,
): Promise<MessageDocuments | undefined> => {
  const namedId = attemptIdOf(jobId);
  const refs = namedId === undefined ? [] : [attemptRef(storyId, namedId)];
  const [storyDoc, namedDoc] = await transaction.getAll(storyRef(storyId), ...refs);
  const story = storyDoc?.data();
  if (story === undefined) return undefined;
  let named = documentOf(namedDoc);
  const currentId = attemptIdOf(story['audioJobId']);
  if (namedId !== undefined && namedId === currentId) return { story, current: named };
  if (isKnownFromStory(story, jobId)) return { story };
  // A second read: the current attempt, and the attempt that RunPod knows by this id. It is found outside the transaction,
  // whose lock on a query would hold up other messages, in the emulator those of all stories. An id that is recorded
  // meanwhile conflicts with the read of its document above.
  const isUnknown = jobId !== undefined && named === undefined && jobId !== story['audioRunpodJobId'];
  const attempts = storyRef(storyId).collection(names.collections.attempts);
  const [current, found] = await Promise.all([
    currentId === undefined ? undefined : transaction.get(attemptRef(storyId, currentId)),
    isUnknown ? attempts.where('runpodJobId', '==', jobId).select().limit(1).get() : undefined,
  ]);
  const foundRef = found?.docs[0]?.ref;
  if (foundRef !== undefined) named = documentOf(await transaction.get(foundRef));
  return { story, named, current: documentOf(current) };
};

/** Writes what was decided. */
const writeMessage = (
  transaction: Transaction,
  { firestore, names, storyRef, attemptRef, usageRef }: FirestoreCalls,
  storyId: string,
  { story, attempt, event, usage }: MessageWrites,
): void => {
  if (story !== undefined)
    transaction.update(storyRef(storyId), {
      ...withRemovals(story),
      updatedAt: FieldValue.serverTimestamp(),
    });
  if (attempt !== undefined) {
    const written = { jobId: attempt.jobId, ...withRemovals(attempt.change) };
    transaction.set(attemptRef(storyId, attempt.jobId), written, { merge: true });
  }
  // Not read, so that no end waits for the user's other narrations.
  if (usage !== undefined) {
    const underWay = { [usage.jobId]: FieldValue.delete() };
    transaction.set(usageRef(usage.usageId), { underWay }, { merge: true });
  }
  if (event !== undefined) transaction.create(owedRef(firestore, names, event.id), owedFields(event));
};

/** Messages in Cloud Firestore. */
export const createFirestoreMessages = (calls: FirestoreCalls) => {
  const { firestore, names, storyRef, attemptRef, transact } = calls;
  return {
    /**
     * Reads the story and its attempts, calls `decide`, and writes its decision. A message that names our id or the
     * current id at RunPod costs one read call and one commit, another one a second read call.
     */
    apply: (target: MessageTarget, decide: Decide): Promise<ApplyOutcome> =>
      transact(async (transaction): Promise<ApplyOutcome> => {
        const { storyId, jobId } = target;
        const documents = await readForMessage(transaction, calls, storyId, jobId);
        if (documents === undefined) {
          const deleted = firestore.collection(names.collections.deletions).where('storyId', '==', storyId);
          const isEmpty = (await deleted.limit(1).select().get()).empty;
          return isEmpty ? { kind: 'no-such-story' } : { kind: 'no-such-story', wasDeleted: true };
        }
        let applied = applyToDocuments(documents, target, decide, names);
        const currentId = attemptIdOf(documents.story['audioJobId']);
        if (applied.outcome.kind === 'not-admitted' && !documents.current && currentId !== undefined) {
          // The requester of the attempt, which the story does not name, may be another than its owner.
          const current = documentOf(await transaction.get(attemptRef(storyId, currentId)));
          applied = applyToDocuments({ ...documents, current }, target, decide, names);
        }
        writeMessage(transaction, calls, storyId, applied.writes);
        return applied.outcome;
      }),
    /**
     * Writes RunPod's id to the attempt, and to the story while the attempt is its current one. The first id is kept.
     * A message that came under RunPod's id before is taken over: it is decided on as one of this job. One that comes at
     * the same time conflicts with the deletion of its document, also where there is none yet.
     */
    recordRunpodJob: (
      target: MessageTarget & { readonly jobId: string; readonly runpodJobId: string },
      context: TransitionContext,
    ): Promise<RecordOutcome | StoreAway> =>
      transact(async (transaction): Promise<RecordOutcome> => {
        const { storyId, jobId, runpodJobId } = target;
        const documents = await readForMessage(transaction, calls, storyId, jobId);
        if (documents === undefined) return { kind: 'no-such-story' };
        const earlyRef = attemptRef(storyId, runpodJobId);
        const early = (await transaction.get(earlyRef)).data();
        const { outcome, writes } = recordInDocuments({ ...documents, early }, target, context, names);
        if (writes === undefined) return outcome;
        transaction.set(attemptRef(storyId, jobId), { jobId, runpodJobId }, { merge: true });
        if (writes.isCurrent) transaction.update(storyRef(storyId), { audioRunpodJobId: runpodJobId });
        if (runpodJobId !== jobId) transaction.delete(earlyRef);
        writeMessage(transaction, calls, storyId, writes);
        return outcome;
      }),
  };
};
