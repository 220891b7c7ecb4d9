import { createNames } from '@taleback/core';
import type { Firestore } from 'firebase-admin/firestore';
import type { LoadPlan } from './plan.ts';

/** How a story stands, in the words of the plan; so is what it should not hold. */
const standOf = (story: Record<string, unknown>, attempts: readonly Record<string, unknown>[]): unknown => ({
  status: story['audioStatus'],
  jobId: story['audioJobId'],
  url: story['audioUrl'],
  error: story['audioError'],
  attempts: attempts.map(({ jobId, status }) => `${String(jobId)} ${String(status)}`),
});

/** What is wrong with the stories after the plan was carried out, a sentence for each; empty when all is well. */
export const judgeStories = async (plan: LoadPlan, firestore: Firestore): Promise<string[]> => {
  const { collections } = createNames();
  const stories = await firestore.collection(collections.stories).get();
  const attempts = await firestore.collectionGroup(collections.attempts).get();
  const found = new Map(stories.docs.map((doc) => [doc.id, doc.data()]));
  const attemptsOf = new Map<string, Record<string, unknown>[]>();
  for (const attempt of attempts.docs) {
    const storyId = attempt.ref.parent.parent?.id ?? '';
    attemptsOf.set(storyId, [...(attemptsOf.get(storyId) ?? []), attempt.data()]);
  }
  const expected = new Map<string, unknown>([
    ...plan.endings.map(({ storyId, jobId, kind, word }): [string, unknown] => [
      storyId,
      {
        status: kind,
        jobId,
        url: kind === 'ready' ? `https://audio.example/${word}.mp3` : undefined,
        error: kind === 'failed' ? `CUDA out of memory ${word}` : undefined,
        attempts: [`${jobId} ${kind}`],
      },
    ]),
    ...plan.victims.map((storyId): [string, unknown] => [
      storyId,
      { status: 'processing', jobId: `job-of-${storyId}`, attempts: [] },
    ]),
  ]);
  const faults = [...expected].flatMap(([storyId, wanted]) => {
    const stands = JSON.stringify(standOf(found.get(storyId) ?? {}, attemptsOf.get(storyId) ?? []));
    return stands === JSON.stringify(wanted) ? [] : [`${storyId} stands as ${stands}`];
  });
  if (found.size !== expected.size) faults.push(`there are ${found.size} stories, not ${expected.size}`);
  return faults;
};
