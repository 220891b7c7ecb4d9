import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DELETION_CURSOR, type DeleteCommand, errorWords, type Log, readDeletions } from '@taleback/core';
import { SIGNATURE_TOLERANCE_SECONDS } from '@taleback/core/signatures';
import {
  isAudioOf,
  recordName,
  recordNameOf,
  RECORDINGS,
  safeSegment,
  trustedStoragePath,
} from '@taleback/core/storage';
import { FAILED_CALLBACKS, parseDeadLetter, writePrivate } from '@taleback/outbox';
import type { WorkerConfig } from '../config.ts';
import { createFolderObjects } from '../storage/folder.node.ts';

export interface DeletionsOptions {
  /** Removes the sounds that only this story has used. */
  readonly removeOf: (storyId: string) => Promise<void>;
  readonly nowMs: number;
  readonly log: Log;
}

/** The longest answer to a heartbeat: a deletion is no larger than a document of Firestore, 1 MiB. */
export const MAX_ANSWER_CHARACTERS = 2 * 2 ** 20;
/** How far back a worker without any files begins: a deletion is sent for the last time after 25 hours. */
const NEW_WORKER_MS = 26 * 3_600_000;
/** Jobs that named no user have their audio there. */
const NO_USER = 'unknown';

type Folder = ReturnType<typeof createFolderObjects> & { readonly root: string };

/** Removes the files below a prefix that are meant. */
const removeAll = async (
  folder: Folder,
  prefix: string,
  isMeant: (key: string) => boolean | Promise<boolean>,
): Promise<void> => {
  for (const key of await folder.list(prefix)) if (await isMeant(key)) await folder.remove(key);
};

const removeStory = async (folder: Folder, storyId: string, command: DeleteCommand): Promise<void> => {
  const { user_id: userId, jobs, places, recording } = command;
  for (const owner of [userId, NO_USER])
    await removeAll(folder, `private/users/${safeSegment(owner)}/stories/audio/`, (key) =>
      isAudioOf(key, storyId, jobs),
    );
  for (const place of places) {
    if (trustedStoragePath(place) === undefined) continue;
    await folder.remove(place);
    await folder.remove(`${place}.json`);
  }
  const own = `/private/users/${safeSegment(userId)}/${recording}.recording`;
  if (recording !== undefined) await removeAll(folder, `${RECORDINGS}/`, (key) => key.endsWith(own));
  await removeAll(folder, `${FAILED_CALLBACKS}/`, (key) => recordNameOf(key) === recordName(storyId));
};

/** What belongs to stories that were written since stays: what is new. */
const removeUser = async (folder: Folder, { user_id, requested_at }: DeleteCommand): Promise<void> => {
  // A worker whose clock is further off cannot sign its heartbeats.
  const beforeMs = requested_at - SIGNATURE_TOLERANCE_SECONDS * 1000;
  const isOld = async (key: string): Promise<boolean> => {
    // Another worker of this folder may have removed it.
    const found = await stat(join(folder.root, key)).catch(() => undefined);
    return found !== undefined && found.mtimeMs < beforeMs;
  };
  const own = `private/users/${safeSegment(user_id)}/`;
  await removeAll(folder, own, isOld);
  await removeAll(folder, `${RECORDINGS}/`, (key) => key.includes(`/${own}`) && isOld(key));
  await removeAll(folder, `${FAILED_CALLBACKS}/`, async (key) => {
    const letter = parseDeadLetter(String(Buffer.from((await folder.read(key)) ?? [])));
    return letter.ok && letter.payload['user_id'] === user_id && isOld(key);
  });
};

/** Whether nothing was ever kept there. */
const isEmpty = (folder: string): boolean =>
  !existsSync(folder) || readdirSync(folder).every((name) => name.startsWith('index.db'));

/** The place of an earlier process; without one, all deletions that are recorded, or the latest if there are no files. */
const readPlace = (path: string, places: readonly string[], nowMs: number): string => {
  const kept = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (DELETION_CURSOR.test(kept)) return kept;
  return places.every(isEmpty) ? `${nowMs - NEW_WORKER_MS}:` : '0:';
};

export type Deletions = ReturnType<typeof openDeletions>;

/**
 * Applies the deletions that the receiver sends in its answers to heartbeats, in order, to the folders and the cache of this
 * worker; what is in buckets is removed by the functions. The place in their list is written after each of them, so that a
 * worker that is killed repeats one at most, and one that was away is sent what it missed.
 *
 * @throws what the file system says
 */
export const openDeletions = (
  config: Pick<WorkerConfig, 'storage' | 'privateStorage' | 'cache' | 'callbacks'>,
  { removeOf, nowMs, log }: DeletionsOptions,
) => {
  const stores = [config.storage, config.privateStorage];
  const roots = stores.flatMap((store) => ('folder' in store ? [store.folder] : []));
  const folders = roots.map((root) => ({ ...createFolderObjects(root, undefined), root }));
  const places = [...roots, config.cache.folder].map((folder) => resolve(folder));
  // Another place for other folders. What is not hidden in the outbox's folder would be imported.
  const name = createHash('sha256').update(JSON.stringify(places)).digest('hex').slice(0, 16);
  const path = join(config.callbacks.outbox.folder, `.deletions-${name}`);
  let after = readPlace(path, places, nowMs);
  let isClosed = false;
  let applying: Promise<void> | undefined;

  const apply = async (command: DeleteCommand): Promise<void> => {
    const { story_id: storyId, cursor } = command;
    for (const folder of folders)
      await (storyId === undefined ? removeUser(folder, command) : removeStory(folder, storyId, command));
    if (storyId !== undefined) await removeOf(storyId);
    await writePrivate(path, cursor);
    after = cursor;
  };
  const applyAll = async (answer: string): Promise<void> => {
    try {
      const commands = readDeletions(answer);
      for (const command of commands) if (!isClosed) await apply(command);
      if (commands.length > 0) log('info', 'deletions applied', { count: commands.length });
    } catch (error) {
      log('error', 'a deletion could not be applied; it is tried again', { error: errorWords(error) });
    }
  };

  return {
    /** The last deletion that was applied. */
    after: (): string => after,
    /** Applies what an answer contains, unless an earlier one is still under way: then it waits for that. Never rejects. */
    receive: (answer: string): Promise<void> =>
      (applying ??= applyAll(answer).finally(() => {
        applying = undefined;
      })),
    /** Waits for the deletion that is under way. */
    close: async (): Promise<void> => {
      isClosed = true;
      await applying;
    },
  };
};
