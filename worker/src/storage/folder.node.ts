import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type ErrorCode, errorWords, TalebackError } from '@taleback/core';
import { throwIfCancelled } from '@taleback/speech';
import { keyAddress, type ObjectStore } from './library.ts';
import { DRAFT_ENDING, syncFolder, writeWhole } from '@taleback/outbox';

const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
const FORBIDDEN_CODES: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS']);
/** There is no file; a folder is none. */
const ABSENT_CODES: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

const codeOf = (cause: unknown): unknown => (cause as { code?: unknown } | null)?.code;

const storageError = (otherwise: ErrorCode, key: string, cause: unknown): TalebackError => {
  const code = codeOf(cause);
  const details = `${key}: ${errorWords(cause)}`;
  if (FULL_CODES.has(code))
    return new TalebackError('disk_full', 'No space left for the audio', { details, cause });
  if (FORBIDDEN_CODES.has(code))
    return new TalebackError('permission_denied', 'The audio folder may not be used', { details, cause });
  const message = otherwise === 'storage_upload_failed' ? 'be saved' : 'be read';
  return new TalebackError(otherwise, `The audio could not ${message}`, { details, cause });
};

/** The result of the call, or undefined when there is no file. */
const ifThere = async <T>(key: string, call: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await call();
  } catch (error) {
    if (ABSENT_CODES.has(codeOf(error))) return undefined;
    throw storageError('storage_unavailable', key, error);
  }
};

/** Paths of the files below a folder, as keys have them. */
const keysBelow = async (root: string, folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(DRAFT_ENDING))
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)).split(sep).join('/'));
};

/**
 * Objects in a folder.
 *
 * @param folder where the paths of the keys begin
 * @param baseUrl address under which the folder is served, without a closing slash
 */
export const createFolderObjects = (folder: string, baseUrl: string): ObjectStore => {
  const root = resolve(folder);
  return {
    place: `the folder ${root}`,
    write: async ({ key, bytes }, signal) => {
      throwIfCancelled(signal);
      const path = join(root, key);
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeWhole(path, bytes);
        await syncFolder(dirname(path));
      } catch (error) {
        throw storageError('storage_upload_failed', key, error);
      }
    },
    read: async (key, signal) => {
      throwIfCancelled(signal);
      return ifThere(key, () => readFile(join(root, key)));
    },
    sizeOf: async (key, signal) => {
      throwIfCancelled(signal);
      const found = await ifThere(key, () => stat(join(root, key)));
      return found?.isFile() === true ? found.size : undefined;
    },
    list: async (prefix, signal) => {
      throwIfCancelled(signal);
      const folder = join(root, prefix.slice(0, prefix.lastIndexOf('/') + 1));
      const keys = (await ifThere(prefix, () => keysBelow(root, folder))) ?? [];
      return keys.filter((key) => key.startsWith(prefix)).sort();
    },
    remove: async (key, signal) => {
      throwIfCancelled(signal);
      await ifThere(key, () => unlink(join(root, key)));
    },
    urlOf: async (key) => `${baseUrl}/${keyAddress(key)}`,
  };
};
