import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  FAILED_CALLBACKS,
  type OutboxEntry,
  parseDeadLetter,
  parseEntry,
} from '@taleback/outbox/src/index.ts';
import type { RecordLibrary } from '@taleback/worker/src/storage/index.ts';
import { REPLAYED, renameAway } from './rename-away.ts';

const SET_ASIDE = 'set-aside';
/** Records that are read from a bucket at once. */
const READS_AT_ONCE = 8;

/** A callback that was given up. */
export interface Letter {
  /** Path within the folder that it lies in, at any depth. */
  readonly file: string;
  /** The message, or why it cannot be read. */
  readonly content:
    | { readonly ok: true; readonly entry: OutboxEntry }
    | { readonly ok: false; readonly reason: string };
  /** Why it was given up. */
  readonly cause: string;
  /** Puts it out of the way of the next replay, into `replayed/`. A crash leaves it where it was, or in both places. */
  readonly moveAway: () => Promise<void>;
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

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

const readAside = async (root: string, file: string): Promise<Letter> => {
  const reason = await readFile(join(root, `${file}.reason.txt`), 'utf8').catch(
    () => 'no reason was written',
  );
  const content = parseEntry(await readFile(join(root, file)));
  return { file, content, cause: reason.trim(), moveAway: () => renameAway(root, file) };
};

const ROOT = `${FAILED_CALLBACKS}/`;

/** Undefined when somebody else has moved it meanwhile. */
const readFailed = async (records: RecordLibrary, key: string): Promise<Letter | undefined> => {
  const bytes = await records.read(key);
  if (bytes === undefined) return undefined;
  const file = key.slice(ROOT.length);
  const content = parseDeadLetter(Buffer.from(bytes).toString('utf8'));
  const cause = content.ok ? content.cause : content.reason;
  return { file, content, cause, moveAway: () => records.move(key, `${ROOT}${REPLAYED}/${file}`) };
};

/**
 * Keys of the callbacks that were given up into a store, without those that were replayed.
 * @throws TalebackError what the store says
 */
export const failedKeys = async (
  records: RecordLibrary,
  signal?: AbortSignal,
): Promise<readonly string[]> => {
  const keys = await records.list(FAILED_CALLBACKS, signal);
  return keys.filter((key) => key.endsWith('.json') && !key.startsWith(`${ROOT}${REPLAYED}/`));
};

const failedLetters = async (records: RecordLibrary): Promise<Letter[]> => {
  const keys = await failedKeys(records);
  const letters: Letter[] = [];
  for (let start = 0; start < keys.length; start += READS_AT_ONCE) {
    const some = keys.slice(start, start + READS_AT_ONCE);
    const read = await Promise.all(some.map((key) => readFailed(records, key)));
    letters.push(...read.filter((letter) => letter !== undefined));
  }
  return letters;
};

const writtenMs = ({ content }: Letter): number => (content.ok ? content.entry.createdMs : 0);

/**
 * Everything that was given up, oldest first: what lies in `failed_callbacks/` of the audio store, and in `set-aside/` of
 * the outbox folder.
 *
 * @throws TalebackError what the store says; what the file system says
 */
export const findLetters = async (records: RecordLibrary, outboxFolder: string): Promise<Letter[]> => {
  const letters = await failedLetters(records);
  const aside = join(outboxFolder, SET_ASIDE);
  for (const file of await jsonFilesIn(aside)) letters.push(await readAside(aside, file));
  return letters.sort((one, other) => writtenMs(one) - writtenMs(other));
};
