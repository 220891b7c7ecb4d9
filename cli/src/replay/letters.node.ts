import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  type CallbackClient,
  describeFailure,
  FAILED_CALLBACKS,
  movePrivate,
  type ParsedEntry,
  parseDeadLetter,
  parseEntry,
} from '@taleback/outbox';
import type { Library } from '@taleback/worker/src/storage/library.ts';
import { errorSentence } from '@taleback/worker/src/start-fault.ts';

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

/** Paths of what lies in `set-aside/` of an outbox folder. @throws what the file system says */
export const filesSetAside = (outboxFolder: string): Promise<string[]> =>
  jsonFilesIn(join(outboxFolder, SET_ASIDE));

const reasonOf = (path: string): string => `${path}.reason.txt`;

const readAside = async (root: string, file: string): Promise<Letter> => {
  const path = join(root, file);
  const reason = await readFile(reasonOf(path), 'utf8').catch(() => 'no reason was written');
  return {
    file,
    content: parseEntry(await readFile(path)),
    cause: reason.trim(),
    moveAway: async () => {
      const target = join(root, REPLAYED, file);
      await movePrivate(path, target);
      await movePrivate(reasonOf(path), reasonOf(target)).catch(() => {});
    },
  };
};

/** Undefined when another process has moved it meanwhile. */
const readFailed = async (library: Library, key: string): Promise<Letter | undefined> => {
  const bytes = await library.read(key);
  if (bytes === undefined) return undefined;
  const file = key.slice(ROOT.length);
  const content = parseDeadLetter(Buffer.from(bytes).toString('utf8'));
  const cause = content.ok ? content.cause : content.reason;
  return { file, content, cause, moveAway: () => library.move(key, `${ROOT}${REPLAYED}/${file}`) };
};

/**
 * The callbacks that were given up into stores, without those that were replayed.
 * @throws TalebackError what the store says
 */
export const findFailed = async (libraries: readonly Library[], signal?: AbortSignal) => {
  const found: { readonly library: Library; readonly key: string }[] = [];
  for (const library of libraries)
    for (const key of await library.list(FAILED_CALLBACKS, signal))
      if (key.endsWith('.json') && !key.startsWith(`${ROOT}${REPLAYED}/`)) found.push({ library, key });
  return found;
};

const writtenMs = ({ content }: Letter): number => (content.ok ? content.entry.createdMs : 0);

/**
 * Everything that was given up, oldest first: what lies in `failed_callbacks/` of the stores, and in `set-aside/` of the
 * outbox folder.
 *
 * @throws TalebackError what the store says; what the file system says
 */
export const findLetters = async (libraries: readonly Library[], outboxFolder: string): Promise<Letter[]> => {
  const letters: (Letter | undefined)[] = [];
  const failed = await findFailed(libraries);
  for (let start = 0; start < failed.length; start += READS_AT_ONCE) {
    const some = failed.slice(start, start + READS_AT_ONCE);
    letters.push(...(await Promise.all(some.map(({ library, key }) => readFailed(library, key)))));
  }
  for (const file of await filesSetAside(outboxFolder))
    letters.push(await readAside(join(outboxFolder, SET_ASIDE), file));
  return letters
    .filter((letter) => letter !== undefined)
    .sort((one, other) => writtenMs(one) - writtenMs(other));
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

/** What `sendLetter` resolves with when all went well. */
export const ACCEPTED = 'accepted';

/**
 * Sends a letter, signed again. Its substitute was sent when it was given up, so it is not sent again.
 *
 * @returns `accepted`, or why it was not
 */
export const sendLetter = async ({ content, moveAway }: Letter, client: CallbackClient): Promise<string> => {
  if (!content.ok) return `unreadable: ${content.reason}`;
  const { url, messageId } = content.entry.message;
  const delivery = await client.deliver({ url, messageId, payload: content.payload });
  if (delivery.kind === 'kept') return delivery.cause;
  if (delivery.kind !== 'delivered') return describeFailure(delivery);
  try {
    await moveAway();
    return ACCEPTED;
  } catch (error) {
    return `accepted, but it could not be moved to ${REPLAYED}/: ${errorSentence(error)}`;
  }
};
