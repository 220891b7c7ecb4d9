import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutboxPicture } from '@taleback/speech/src/diagnosis/index.ts';

const REPLAYED = 'replayed';

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

/** Paths of the JSON files in a folder; none when there is no such folder. @throws what the file system says */
const jsonFilesIn = async (folder: string, recursive: boolean): Promise<string[]> => {
  try {
    const names = await readdir(folder, { recursive });
    return names.filter((name) => name.endsWith('.json') && !name.startsWith(REPLAYED));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

/** An entry begins with its time, epoch ms in 15 digits; one by another name tells its time as a file. */
const writtenMs = async (folder: string, file: string): Promise<number> => {
  const digits = /^(\d{15})-/.exec(file)?.[1];
  return digits === undefined ? (await stat(join(folder, file))).mtimeMs : Number(digits);
};

/** The first in the order of names is the oldest. */
const oldestMs = async (folder: string, files: readonly string[]): Promise<number | undefined> => {
  const [first] = [...files].sort();
  return first === undefined ? undefined : writtenMs(folder, first);
};

/**
 * What lies in an outbox folder, whoever writes to it, and what was given up into the audio store.
 *
 * @param countFailed callbacks that the store holds; a store that cannot tell takes nothing from the rest
 * @throws what the file system says
 */
export const readOutbox = async (
  outboxFolder: string,
  countFailed: () => Promise<number>,
  nowMs: number,
): Promise<OutboxPicture> => {
  const waiting = await jsonFilesIn(outboxFolder, false);
  const aside = await jsonFilesIn(join(outboxFolder, 'set-aside'), true);
  const failed = await countFailed().catch(() => undefined);
  const oldest = await oldestMs(outboxFolder, waiting);
  return {
    waiting: waiting.length,
    oldestAgeMs: oldest === undefined ? undefined : Math.max(0, nowMs - oldest),
    givenUp: aside.length + (failed ?? 0),
    ...(failed === undefined ? { isStoreSilent: true } : {}),
  };
};
