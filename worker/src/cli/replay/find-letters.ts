import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { FAILED_CALLBACKS, type OutboxEntry, parseDeadLetter, parseEntry } from '../../outbox/index.ts';

/** Folder, within the one that a letter lies in, for letters that were accepted. */
export const REPLAYED = 'replayed';
const SET_ASIDE = 'set-aside';

/** A callback that was given up. */
export interface Letter {
  /** The folder that it lies in, at any depth. */
  readonly root: string;
  /** Path within it. */
  readonly file: string;
  /** The message, or why it cannot be read. */
  readonly content:
    | { readonly ok: true; readonly entry: OutboxEntry }
    | { readonly ok: false; readonly reason: string };
  /** Why it was given up. */
  readonly cause: string;
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

/** @throws Error that names the variable when there is no such folder */
const checkFolder = async (name: string, folder: string): Promise<void> => {
  const isFolder = await stat(folder).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new Error(`${name}: there is no folder ${folder}`);
};

/** Paths of the JSON files below a folder, without those that were replayed; none when there is no such folder. */
const jsonFilesIn = async (root: string): Promise<string[]> => {
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((file) => !file.startsWith(REPLAYED))
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

const readFailed = async (root: string, file: string): Promise<Letter> => {
  const parsed = parseDeadLetter(await readFile(join(root, file), 'utf8'));
  return parsed.ok
    ? { root, file, content: parsed, cause: parsed.cause }
    : { root, file, content: parsed, cause: parsed.reason };
};

const readAside = async (root: string, file: string): Promise<Letter> => {
  const reason = await readFile(join(root, `${file}.reason.txt`), 'utf8').catch(
    () => 'no reason was written',
  );
  return { root, file, content: parseEntry(await readFile(join(root, file))), cause: reason.trim() };
};

const writtenMs = ({ content }: Letter): number => (content.ok ? content.entry.createdMs : 0);

/**
 * Everything that was given up, oldest first: what lies in `failed_callbacks/` of the audio folder, and in `set-aside/` of
 * the outbox folder.
 *
 * @throws Error that names the folder that is missing
 */
export const findLetters = async (audioFolder: string, outboxFolder: string): Promise<Letter[]> => {
  await checkFolder('AUDIO_FOLDER', audioFolder);
  await checkFolder('OUTBOX_FOLDER', outboxFolder);
  const failed = join(audioFolder, FAILED_CALLBACKS);
  const aside = join(outboxFolder, SET_ASIDE);
  const letters: Letter[] = [];
  for (const file of await jsonFilesIn(failed)) letters.push(await readFailed(failed, file));
  for (const file of await jsonFilesIn(aside)) letters.push(await readAside(aside, file));
  return letters.sort((one, other) => writtenMs(one) - writtenMs(other));
};
