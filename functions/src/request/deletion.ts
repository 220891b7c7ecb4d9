import { documentId, errorWords } from '@taleback/core';
import {
  isAudioOf,
  recordName,
  recordNameOf,
  RECORDINGS,
  safeSegment,
  trustedStoragePath,
} from '@taleback/core/storage';
import { z } from 'zod';
import { eventsOf, type EventOptions, publishEvent } from '../stories/apply-message.ts';
import type { ObjectStore } from '../stories/recordings.ts';
import { isOwnPlace, NO_USERS_FOLDER } from '../stories/ownership.ts';
import type { Deletion, DeletionStore } from '../stories/deletions.node.ts';

export interface DeletionOptions extends EventOptions {
  readonly deletions: DeletionStore;
  /** The bucket of narrations; undefined where workers keep them in a folder, and remove them there. */
  readonly narrations: Pick<ObjectStore, 'list' | 'remove'> | undefined;
  /** Recordings and records; undefined where there is no private store. */
  readonly hidden: Pick<ObjectStore, 'list' | 'remove'> | undefined;
  /** Undefined when RunPod is not used. */
  readonly runpod:
    | { readonly cancel: (runpodJobId: string) => Promise<{ readonly kind: string }> }
    | undefined;
}

/** How a deletion ends. `under-way`: it is written down, and the sweep goes on with it. */
export type DeletionAnswer =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'under-way' }
  | { readonly kind: 'invalid'; readonly sentence: string }
  | { readonly kind: 'no-such-story' }
  | { readonly kind: 'store-away'; readonly cause: string };

const MINUTE_MS = 60_000;
/**
 * When the audio of a deleted story is looked for again, after its deletion: a job may have been under way, at RunPod for up
 * to an hour by default, in the queue for a day. After the last of them the record is deleted.
 */
const CHECKS_MS = [60 * MINUTE_MS, 25 * 60 * MINUTE_MS, 90 * 24 * 60 * MINUTE_MS] as const;
/** Stories of a user that are deleted in one go; the rest waits for the sweep. A callable has a minute. */
const STORIES_AT_ONCE = 20;
/** Deletions that one sweep goes on with. */
const DUE_AT_ONCE = 20;

const schema = z.object({ storyId: documentId }, 'must be an object');

const removeAll = async (
  store: DeletionOptions['narrations'],
  prefix: string,
  isMeant: (key: string) => boolean,
): Promise<void> => {
  if (store === undefined) return;
  for (const key of await store.list(prefix)) if (isMeant(key)) await store.remove(key);
};

const folderOf = (userId: string): string => `private/users/${safeSegment(userId)}/`;

/** Removes the audio of a story: of its jobs where workers put it, and what the story named. */
const removeAudio = async (
  { userId, storyId, jobs, places }: Deletion & { readonly storyId: string },
  { narrations }: DeletionOptions,
): Promise<void> => {
  for (const owner of [userId, NO_USERS_FOLDER])
    await removeAll(narrations, `${folderOf(owner)}stories/audio/`, (key) => isAudioOf(key, storyId, jobs));
  for (const place of places) {
    if (trustedStoragePath(place) === undefined || !isOwnPlace(place, [userId, NO_USERS_FOLDER])) continue;
    await narrations?.remove(place);
    await narrations?.remove(`${place}.json`);
  }
};

/** Writes the deletion of a story down; a narration that is under way is cancelled, with an event. */
const openDeletion = async (userId: string, storyId: string, options: DeletionOptions) => {
  const opened = await options.deletions.open(userId, storyId, eventsOf(storyId, options));
  if (opened.kind === 'opened') await publishEvent(opened.event, options);
  return opened;
};

/** Deletes what is left of a story whose document is gone. Each step may be repeated. */
const finishStory = async (
  deletion: Deletion & { readonly storyId: string },
  options: DeletionOptions,
): Promise<void> => {
  const { deletions, hidden, runpod, log } = options;
  let { jobs } = deletion;
  if (deletion.state === 'open') {
    const attempts = await deletions.attemptsOf(deletion.storyId);
    const found = attempts.flatMap(({ jobId, runpodJobId }) => [jobId, runpodJobId ?? jobId]);
    jobs = [...new Set([...jobs, ...found])];
    // Before anything is removed: without them the audio would not be found again.
    await deletions.noteJobs(deletion.id, jobs);
    for (const { runpodJobId, isUnderWay } of attempts) {
      if (!isUnderWay || runpodJobId === undefined) continue;
      const cancelled = await runpod?.cancel(runpodJobId);
      log('info', 'job cancelled at RunPod', { storyId: deletion.storyId, cancelled: cancelled?.kind });
    }
  }
  const whole = { ...deletion, jobs };
  await removeAudio(whole, options);
  if (deletion.recordingPath !== undefined && !(await deletions.isRecordingUsed(deletion)))
    await hidden?.remove(deletion.recordingPath);
  await removeAll(hidden, 'failed_callbacks/', (key) => recordNameOf(key) === recordName(deletion.storyId));
  await deletions.removeTraces(whole);
};

/** Deletes the stories of a user that existed when it was requested, then everything else. @returns whether nothing is left */
const finishUser = async (deletion: Deletion, options: DeletionOptions): Promise<boolean> => {
  const { deletions, narrations, hidden } = options;
  const { userId } = deletion;
  const { stories, isLast } = await deletions.storiesOf(deletion, STORIES_AT_ONCE);
  for (const storyId of stories) {
    const opened = await openDeletion(userId, storyId, options);
    if (opened.kind === 'store-away') throw new Error(opened.cause);
    if (opened.kind !== 'no-such-story') await finish(opened.deletion, options);
  }
  if (!isLast) return false;
  // What belongs to stories that were written since stays.
  const living = new Set((await deletions.livingOf(userId)).map(safeSegment));
  const isLeft = (key: string): boolean => !key.split('/').some((name) => living.has(name));
  await removeAll(narrations, folderOf(userId), isLeft);
  await removeAll(hidden, folderOf(userId), isLeft);
  await removeAll(hidden, `${RECORDINGS}/`, (key) => key.includes(`/${folderOf(userId)}`));
  // Callbacks about stories that were deleted earlier may have been given up since.
  const deleted = new Set((await deletions.deletedOf(userId)).map(recordName));
  await removeAll(hidden, 'failed_callbacks/', (key) => deleted.has(recordNameOf(key) ?? ''));
  await deletions.removeUser(userId);
  return true;
};

/** Goes through a deletion from its start; what is done already is found done. @returns whether it is over */
const finish = async (deletion: Deletion, options: DeletionOptions): Promise<boolean> => {
  const { deletions, now } = options;
  const { storyId, state, checks } = deletion;
  const isDone =
    storyId === undefined
      ? state === 'done' || (await finishUser(deletion, options))
      : await finishStory({ ...deletion, storyId }, options).then(() => true);
  if (!isDone) return false;
  const afterMs = CHECKS_MS[checks];
  await (afterMs === undefined
    ? deletions.forget(deletion.id)
    : deletions.settle(deletion.id, { checks: checks + 1, nextAtMs: now() + afterMs }));
  return true;
};

/** Finishes a deletion that is written down, as far as it gets. */
const attempt = async (deletion: Deletion, options: DeletionOptions): Promise<DeletionAnswer> => {
  try {
    return { kind: (await finish(deletion, options)) ? 'deleted' : 'under-way' };
  } catch (error) {
    options.log('warn', 'deletion was interrupted; the sweep goes on with it', { fault: errorWords(error) });
    return { kind: 'under-way' };
  }
};

/** Deletes a person's own story with everything that belongs to it. May be called again. */
export const deleteStory = async (
  userId: string,
  data: unknown,
  options: DeletionOptions,
): Promise<DeletionAnswer> => {
  const parsed = schema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { kind: 'invalid', sentence: `${issue?.path.join('.') || 'data'}: ${issue?.message}` };
  }
  const opened = await openDeletion(userId, parsed.data.storyId, options);
  if (opened.kind === 'no-such-story' || opened.kind === 'store-away') return opened;
  return opened.deletion.state === 'done' ? { kind: 'deleted' } : attempt(opened.deletion, options);
};

/** Deletes everything of a person. May be called again. */
export const deleteMyData = async (userId: string, options: DeletionOptions): Promise<DeletionAnswer> => {
  const opened = await options.deletions.openUser(userId);
  return opened.kind === 'store-away' ? opened : attempt(opened.deletion, options);
};

/** Goes on with deletions that were interrupted, and looks again for audio that came after them. */
export const finishDeletions = async (options: DeletionOptions): Promise<void> => {
  const due = await options.deletions.listDue(options.now(), DUE_AT_ONCE);
  if (due.kind === 'store-away') return options.log('error', 'Firestore is away', { cause: due.cause });
  for (const deletion of due.deletions) await attempt(deletion, options);
};
