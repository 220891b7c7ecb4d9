import { setTimeout as sleep } from 'node:timers/promises';
import type { Firestore } from 'firebase-admin/firestore';
import { createNames } from '@taleback/core';
import { type FieldOptions, narrateInTheField } from './handler-in-the-field.ts';
import type { Tale } from './tales.ts';

export interface OtherAppOptions extends FieldOptions {
  readonly firestore: Firestore;
  readonly callbackUrl: string;
  /** Over so many milliseconds. */
  readonly withinMs: number;
}

/**
 * Another app with the same stories. It sets every fourth one back to pending at any moment, some with another text, and
 * narrates some of them.
 *
 * @returns when each story was set back, by its id, in Unix milliseconds; it is filled as that happens
 */
export const runOtherApp = (tales: readonly Tale[], options: OtherAppOptions) => {
  const { firestore, callbackUrl, random, withinMs } = options;
  const resets = new Map<string, number>();
  const own = tales.filter((_, index) => index % 4 === 3);
  const reset = async ({ id: storyId, userId, text, laterText, voiceId, fault }: Tale): Promise<void> => {
    await sleep(random.between(1_000, withinMs));
    const change = laterText === undefined ? {} : { text: laterText };
    const story = firestore.collection(createNames().collections.stories).doc(storyId);
    await story.update({ audioStatus: 'pending', ...change });
    resets.set(storyId, Date.now());
    if (fault !== undefined || random.chance(0.6)) return;
    const jobId = `app-${storyId}`;
    const job = { storyId, userId, text: laterText ?? text, voiceId, callbackUrl, jobId, fileName: jobId };
    await narrateInTheField(job, options);
  };
  return { resets, done: Promise.all(own.map(reset)) };
};
