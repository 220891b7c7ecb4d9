import { readAttemptAudio, readStoryAudio } from '@taleback/core';
import type { Firestore } from 'firebase-admin/firestore';
import type { JobStore, StandingJob } from '../runpod/index.ts';
import { ATTEMPTS, createFirestoreCalls } from './firestore-calls.ts';

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const idOf = (fields: Record<string, unknown> | undefined): string | undefined =>
  text(fields?.['runpodJobId']);

/** A job that the queue itself did not take was never dispatched. */
const refusalOf = (fields: Record<string, unknown> | undefined): StandingJob['refusal'] => {
  const { status, transitions, error } = (fields ?? {}) as {
    readonly status?: unknown;
    readonly transitions?: { readonly failed?: { readonly source?: unknown } };
    readonly error?: { readonly code?: unknown; readonly details?: unknown };
  };
  const code = text(error?.code) ?? 'unknown';
  const isOfDispatch = status === 'failed' && transitions?.failed?.source === 'dispatch';
  if (!isOfDispatch || code === 'queue_unavailable') return undefined;
  return { code, cause: text(error?.details) ?? '' };
};

/** Which of our jobs is which of RunPod's, in Cloud Firestore. */
export const createFirestoreJobs = (
  firestore: Firestore,
  options: { readonly timeoutMs: number },
): JobStore => {
  const { storyRef, call, transact } = createFirestoreCalls(firestore, options);
  return {
    read: (storyId, jobId) =>
      call(async () => {
        const story = storyRef(storyId);
        const [storyDoc, attemptDoc] = await firestore.getAll(story, story.collection(ATTEMPTS).doc(jobId));
        const fields = storyDoc?.data();
        if (fields === undefined) return { kind: 'no-such-story' as const };
        const attempt = attemptDoc?.data();
        const job = {
          story: readStoryAudio(fields),
          attemptStatus: attempt === undefined ? undefined : readAttemptAudio(attempt).status,
          runpodJobId: idOf(attempt),
          refusal: refusalOf(attempt),
        };
        return { kind: 'found' as const, job };
      }),
    remember: (storyId, jobId, runpodJobId) =>
      transact(async (transaction) => {
        const story = storyRef(storyId);
        const attempt = story.collection(ATTEMPTS).doc(jobId);
        const [storyDoc, attemptDoc] = await transaction.getAll(story, attempt);
        const fields = storyDoc?.data();
        if (fields === undefined) return { kind: 'no-such-story' as const };
        const known = idOf(attemptDoc?.data());
        if (known !== undefined && known !== runpodJobId) return { kind: 'other' as const };
        transaction.set(attempt, { jobId, runpodJobId }, { merge: true });
        if (readStoryAudio(fields).jobId === jobId)
          transaction.update(story, { audioRunpodJobId: runpodJobId });
        return { kind: 'remembered' as const };
      }),
  };
};
