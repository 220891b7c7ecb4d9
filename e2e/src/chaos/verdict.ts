import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createNames } from '@taleback/core';
import type { Firestore } from 'firebase-admin/firestore';
import type { Endings } from './endings.ts';
import { fingerprint } from './reference.ts';
import type { Tale } from './tales.ts';

export interface Verdict {
  readonly ready: number;
  /** By error code. */
  readonly failed: Readonly<Record<string, number>>;
  readonly attempts: number;
  /** What should not be, a sentence each; none when the storm was survived. */
  readonly faults: readonly string[];
}

interface Trial {
  readonly firestore: Firestore;
  readonly tales: readonly Tale[];
  readonly audioFolder: string;
  /** What each tale sounds like. */
  readonly reference: ReadonlyMap<string, string>;
  readonly endings: ReadonlyMap<string, Endings>;
  /** Callbacks that still lie in an outbox. */
  readonly leftInOutboxes: readonly string[];
}

const isUnder = (status: unknown): boolean => status !== 'ready' && status !== 'failed';

const judgeStory = async (
  tale: Tale,
  fields: Record<string, unknown>,
  { audioFolder, reference }: Trial,
): Promise<readonly string[]> => {
  const { audioStatus: status, audioErrorCode: code, audioStoragePath: path } = fields;
  if (isUnder(status)) return [`${tale.id} is still ${String(status)}`];
  if (status === 'failed') {
    if (typeof code !== 'string' || typeof fields['audioError'] !== 'string')
      return [`${tale.id} failed without a cause`];
    if (tale.fault === undefined && fields['audioRetryAt'] !== undefined)
      return [`${tale.id} failed with ${code} and still waits to be tried again`];
    return [];
  }
  if (tale.fault !== undefined) return [`${tale.id} is ready, but has no voice to be narrated with`];
  if (typeof path !== 'string') return [`${tale.id} is ready without audio`];
  if (!path.endsWith(`/${String(fields['audioJobId'])}.mp3`))
    return [`${tale.id} is ready with the audio of a job that was given up`];
  const heard = fingerprint(await readFile(join(audioFolder, path)));
  return heard === reference.get(tale.id) ? [] : [`${tale.id} is ready with audio that is not its own`];
};

const judgeAttempts = (
  tale: Tale,
  attempts: readonly (readonly [string, Record<string, unknown>])[],
  currentJob: unknown,
): readonly string[] =>
  attempts.flatMap(([jobId, { status, transitions }]) => {
    const faults: string[] = [];
    const isReady = (transitions as Record<string, unknown> | undefined)?.['ready'] !== undefined;
    if (isReady && status !== 'ready')
      faults.push(`${tale.id}: attempt ${jobId} was ready and is ${String(status)}`);
    if (jobId === currentJob && isUnder(status))
      faults.push(`${tale.id}: its current attempt ${jobId} is ${String(status)}`);
    return faults;
  });

const judgeEndings = (endings: Trial['endings']): readonly string[] =>
  [...endings].flatMap(([jobId, { ready, failed, isUndone }]) => [
    ...(ready > 1 ? [`job ${jobId} became ready ${ready} times`] : []),
    ...(failed > 1 ? [`job ${jobId} failed ${failed} times`] : []),
    ...(isUndone ? [`job ${jobId} failed after it was ready`] : []),
  ]);

/** Looks at everything that the storm has left. */
export const judge = async (trial: Trial): Promise<Verdict> => {
  const { collections } = createNames();
  const faults: string[] = [...judgeEndings(trial.endings)];
  const failed: Record<string, number> = {};
  let ready = 0;
  let attemptCount = 0;
  for (const tale of trial.tales) {
    const story = trial.firestore.collection(collections.stories).doc(tale.id);
    const [document, attempts] = await Promise.all([
      story.get(),
      story.collection(collections.attempts).get(),
    ]);
    const fields = document.data() ?? {};
    attemptCount += attempts.size;
    if (fields['audioStatus'] === 'ready') ready += 1;
    if (fields['audioStatus'] === 'failed') {
      const code = String(fields['audioErrorCode']);
      failed[code] = (failed[code] ?? 0) + 1;
    }
    const histories = attempts.docs.map((doc) => [doc.id, doc.data()] as const);
    faults.push(...(await judgeStory(tale, fields, trial)));
    faults.push(...judgeAttempts(tale, histories, fields['audioJobId']));
  }
  faults.push(...trial.leftInOutboxes.map((file) => `an outbox still holds ${file}`));
  return { ready, failed, attempts: attemptCount, faults };
};
