import { z } from 'zod';
import { toWellFormed } from './document-id.ts';
import { documentId, type Parsed, parseWith } from './parse.ts';

/** The body of `POST /api/tts/progress`, in our own names. */
export interface ProgressReport {
  readonly storyId: string;
  readonly jobId: string;
  /** A word or two for what the worker is doing, such as `synthesizing`. */
  readonly stage: string;
  /** Share of the work that is done, 0 to 1. */
  readonly progress: number | undefined;
}

const MAX_STAGE_CHARACTERS = 100;

const schema = z
  .object({
    story_id: documentId,
    job_id: documentId,
    stage: z
      .string('must be a string')
      .min(1, 'must not be empty')
      .max(MAX_STAGE_CHARACTERS, `must be at most ${MAX_STAGE_CHARACTERS} characters`),
    progress: z
      .number('must be a number')
      .min(0, 'must be between 0 and 1')
      .max(1, 'must be between 0 and 1')
      .nullish(),
  })
  .transform(
    (body): ProgressReport => ({
      storyId: body.story_id,
      jobId: body.job_id,
      stage: toWellFormed(body.stage),
      progress: body.progress ?? undefined,
    }),
  );

/** Parses the body of a progress report. */
export const parseProgress = (input: unknown): Parsed<ProgressReport> => parseWith(schema, input);
