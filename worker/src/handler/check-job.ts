import { checkStory, describeError, type StoryLimits, TalebackError } from '@taleback/core';
import type { NarrationJob } from './parse-event.ts';

/**
 * Checks a job before any synthesis is spent on it.
 * @throws TalebackError with the code of what is wrong and the field in its details
 */
export const checkJob = (job: NarrationJob, limits: StoryLimits): void => {
  const check = checkStory({ text: job.text, language: job.language }, limits);
  if (!check.ok)
    throw new TalebackError(check.code, describeError(check.code).sentence, { details: check.sentence });
};
