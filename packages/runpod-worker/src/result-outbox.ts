import { z } from 'zod';
import type { RunpodJob } from './protocol.ts';

/** Lower-case letters, digits and hyphens: a key is part of a file's name. */
const key = z.string().regex(/^[a-z0-9-]{1,80}$/);

const takenJob = z.object({
  key,
  workerId: z.string().min(1),
  /** Epoch milliseconds. */
  takenAtMs: z.number(),
  /** How often it was begun, the coming run included. */
  runs: z.number().int().min(1),
  job: z.looseObject({ id: z.string().min(1), input: z.unknown() }),
});

const pendingResult = z.object({
  key,
  jobId: z.string().min(1),
  url: z.string().min(1),
  /** JSON text, as it is posted. */
  body: z.string(),
  /** Epoch milliseconds. */
  keptAtMs: z.number(),
});

/** A job that was taken and has no result yet. */
export interface TakenJob extends z.output<typeof takenJob> {
  readonly job: RunpodJob;
}

/** A result that the platform has not accepted yet. It holds no key of ours: that is the sender's. */
export type PendingResult = Readonly<z.output<typeof pendingResult>>;

/** What dead workers left. */
export interface LeftBehind {
  readonly jobs: readonly TakenJob[];
  readonly results: readonly PendingResult[];
}

/** @throws Error when it is not what `JSON.stringify` made of one. */
export const parseTakenJob = (text: string): TakenJob => takenJob.parse(JSON.parse(text));

/** @throws Error when it is not what `JSON.stringify` made of one. */
export const parsePendingResult = (text: string): PendingResult => pendingResult.parse(JSON.parse(text));

/**
 * Where jobs and results are kept between a take and its accepted result, so that a killed worker loses neither.
 * What is kept survives the process when the promise resolves.
 */
export interface ResultOutbox {
  /** Keeps a job under its key. @throws when it cannot be written */
  keepJob(taken: TakenJob): Promise<void>;
  /** Keeps a result in place of its job, or of an earlier result of the same key. @throws when it cannot be written */
  keepResult(result: PendingResult): Promise<void>;
  /** The result was accepted, or none is wanted. */
  forget(key: string): Promise<void>;
  /** The platform will never accept it: it is set aside for people to look at. */
  refuse(result: PendingResult, reason: string): Promise<void>;
  /**
   * Takes over what workers that live no more left, oldest first. Nobody else gets the same; what cannot be read is set
   * aside. Called at the start and every minute.
   */
  adopt(): Promise<LeftBehind>;
  /** Lets go: what is still kept may be adopted by others. */
  close(): Promise<void>;
}
