import { createHash } from 'node:crypto';
import { isUnderWay, readStoryAudio, textOf, type TtsJobEvent } from '@taleback/core';
import { type DocumentSnapshot, type Firestore, Timestamp } from 'firebase-admin/firestore';
import {
  createFirestoreCalls,
  type FirestoreOptions,
  type StoreAway,
} from '../stories/firestore-calls.node.ts';

export interface TurnOptions extends FirestoreOptions {
  /** Jobs of one user at RunPod at once. */
  readonly mostJobs: number;
  /** How long a job that waits may be silent, ms; longer than Pub/Sub's longest wait between two deliveries. */
  readonly leaseMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const isOf = (story: DocumentSnapshot | undefined, jobId: string): boolean => {
  const { jobId: current, status } = readStoryAudio(story?.data() ?? {});
  return current === jobId && isUnderWay(status);
};

/**
 * Lets a user have so many jobs at RunPod at once. The document of a user names them with their stories; those that have
 * ended are found when there is no room, so no end has to be recorded.
 */
export const createRunpodTurns = (firestore: Firestore, options: TurnOptions) => {
  const { names, storyRef, transact } = createFirestoreCalls(firestore, options);
  const users = firestore.collection(names.collections.runpodTurns);

  /** @returns `waits` when the job has to be delivered again; its lease is renewed */
  return ({ id: jobId, input }: TtsJobEvent): Promise<{ readonly kind: 'taken' | 'waits' } | StoreAway> =>
    transact(async (transaction) => {
      const { story_id: storyId, user_id: userId } = input.metadata;
      // Not every user id can be the id of a document.
      const user = users.doc(createHash('sha256').update(userId).digest('hex'));
      let jobs = new Map(Object.entries((await transaction.get(user)).get('jobs') ?? {}));
      if (jobs.has(jobId)) return { kind: 'taken' };
      if (jobs.size >= options.mostJobs) {
        const ids = [storyId, ...jobs.values()].map((id) => textOf(id) ?? storyId);
        const fieldMask = ['audioJobId', 'audioStatus'];
        const [own, ...others] = await transaction.getAll(...ids.map(storyRef), { fieldMask });
        jobs = new Map([...jobs].filter(([id], index) => isOf(others[index], id)));
        if (jobs.size >= options.mostJobs) {
          const audioLeaseExpiresAt = Timestamp.fromMillis(options.now() + options.leaseMs);
          if (isOf(own, jobId)) transaction.update(storyRef(storyId), { audioLeaseExpiresAt });
          return { kind: 'waits' };
        }
      }
      transaction.set(user, { jobs: { ...Object.fromEntries(jobs), [jobId]: storyId } });
      return { kind: 'taken' };
    });
};
