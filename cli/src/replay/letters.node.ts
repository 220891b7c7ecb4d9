import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  type CallbackClient,
  describeFailure,
  FAILED_CALLBACKS,
  type ParsedEntry,
  parseDeadLetter,
  parseEntry,
} from '@taleback/outbox';
import type { Library } from '@taleback/worker/src/storage/library.ts';
import { errorSentence } from '../exit-code.ts';

const SET_ASIDE = 'set-aside';
/** Folder, within the one that a letter lies in, for letters that were accepted. */
const REPLAYED = 'replayed';
const ROOT = `${FAILED_CALLBACKS}/`;
/** Records that are read from a bucket at once. */
const READS_AT_ONCE = 8;

/** A callback that was given up. */
export interface Letter {
  /** Path within the folder that it lies in, at any depth. */
  readonly file: string;
  /** The message, or why it cannot be read. */
  readonly content: ParsedEntry;
  /** Why it was given up. */
  readonly cause: string;
  /** Moves it into `replayed/`, out of the next replay. A crash leaves it where it was, or in both places. */
  readonly moveAway: () => Promise<void>;
}

/**
 * Paths of the JSON files below a folder, without those that were replayed; none when there is no such folder.
 * @throws what the file system says
 */
export const jsonFilesIn = async (root: string, options = { recursive: true }): Promise<string[]> => {
  try {
    const entries = await readdir(root, { ...options, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((file) => !file.startsWith(REPLAYED))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** Moves a file, and the reason beside it. */
const moveFileAway = async (root: string, file: string): Promise<void> => {
  const target = join(root, REPLAYED, file);
  await mkdir(dirname(target), { recursive: true });
  await rename(join(root, file), target);
  await rename(join(root, `${file}.reason.txt`), `${target}.reason.txt`).catch(() => {});
};

const readAside = async (root: string, file: string): Promise<Letter> => {
  const reason = await readFile(join(root, `${file}.reason.txt`), 'utf8').catch(
    () => 'no reason was written',
  );
  const content = parseEntry(await readFile(join(root, file)));
  return { file, content, cause: reason.trim(), moveAway: () => moveFileAway(root, file) };
};

/** Undefined when another process has moved it meanwhile. */
const readFailed = async (records: Library, key: string): Promise<Letter | undefined> => {
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
export const failedKeys = async (records: Library, signal?: AbortSignal): Promise<readonly string[]> => {
  const keys = await records.list(FAILED_CALLBACKS, signal);
  return keys.filter((key) => key.endsWith('.json') && !key.startsWith(`${ROOT}${REPLAYED}/`));
};

const writtenMs = ({ content }: Letter): number => (content.ok ? content.entry.createdMs : 0);

/** Paths of what lies in `set-aside/` of an outbox folder. @throws what the file system says */
export const filesSetAside = (outboxFolder: string): Promise<string[]> =>
  jsonFilesIn(join(outboxFolder, SET_ASIDE));

/**
 * Everything that was given up, oldest first: what lies in `failed_callbacks/` of the audio store, and in `set-aside/` of
 * the outbox folder.
 *
 * @throws TalebackError what the store says; what the file system says
 */
export const findLetters = async (records: Library, outboxFolder: string): Promise<Letter[]> => {
  const letters: Letter[] = [];
  const keys = await failedKeys(records);
  for (let start = 0; start < keys.length; start += READS_AT_ONCE) {
    const some = keys.slice(start, start + READS_AT_ONCE);
    const read = await Promise.all(some.map((key) => readFailed(records, key)));
    letters.push(...read.filter((letter) => letter !== undefined));
  }
  for (const file of await filesSetAside(outboxFolder))
    letters.push(await readAside(join(outboxFolder, SET_ASIDE), file));
  return letters.sort((one, other) => writtenMs(one) - writtenMs(other));
};

const RECEIVER_FOLDER = '/api/tts/';

/**
 * The letter for another receiver, such as when the one that it names is gone. An address without `/api/tts/` cannot be
 * redirected: then the letter is unreadable.
 *
 * @param receiverUrl base address, without /api/tts
 */
export const redirect = (letter: Letter, receiverUrl: string): Letter => {
  const { content } = letter;
  if (!content.ok) return letter;
  const { entry } = content;
  const { pathname, search } = new URL(entry.message.url);
  const start = pathname.lastIndexOf(RECEIVER_FOLDER);
  if (start === -1)
    return { ...letter, content: { ok: false, reason: `its address has no ${RECEIVER_FOLDER} in it` } };
  const message = { ...entry.message, url: `${receiverUrl}${pathname.slice(start)}${search}` };
  return { ...letter, content: { ...content, entry: { ...entry, message } } };
};

/** What happened to a letter that was sent. */
export interface Replayed {
  readonly isAccepted: boolean;
  readonly words: string;
}

/** Sends a letter, signed again. Its substitute was sent when it was given up, so it is not sent again. */
export const sendLetter = async (
  { content, moveAway }: Letter,
  client: CallbackClient,
): Promise<Replayed> => {
  if (!content.ok) return { isAccepted: false, words: `unreadable: ${content.reason}` };
  const { url, messageId } = content.entry.message;
  const delivery = await client.deliver({ url, messageId, payload: content.payload });
  if (delivery.kind === 'kept') return { isAccepted: false, words: delivery.cause };
  if (delivery.kind !== 'delivered') return { isAccepted: false, words: describeFailure(delivery) };
  try {
    await moveAway();
    return { isAccepted: true, words: 'accepted' };
  } catch (error) {
    const words = `accepted, but it could not be moved to ${REPLAYED}/: ${errorSentence(error)}`;
    return { isAccepted: false, words };
  }
};
