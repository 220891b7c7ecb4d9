import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { TalebackError } from '@taleback/core';
import type { AudioStore, RecordStore } from '../storage/index.ts';
import { syncFolder, writeWhole } from './write-whole.ts';

const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

const storageError = (key: string, cause: unknown): TalebackError => {
  const code = (cause as { code?: unknown } | null)?.code;
  const details = `${key}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return FULL_CODES.has(code)
    ? new TalebackError('disk_full', 'No space left for the audio', { details, cause })
    : new TalebackError('storage_upload_failed', 'The audio could not be saved', { details, cause });
};

/** The path of a key. @throws TalebackError when it leaves the folder */
const pathIn = (folder: string, key: string): string => {
  const root = resolve(folder);
  const path = join(root, key);
  if (path.startsWith(root + sep)) return path;
  throw new TalebackError('storage_upload_failed', 'The audio could not be saved', {
    details: `${key}: leaves the folder`,
  });
};

/**
 * Narrations in a folder.
 *
 * @param folder where the keys' paths begin
 * @param baseUrl address under which the folder is served, without a closing slash
 */
export const createFolderAudioStore = (folder: string, baseUrl: string): AudioStore => ({
  put: async ({ key, bytes, contentType, metadata }) => {
    const path = pathIn(folder, key);
    try {
      await mkdir(dirname(path), { recursive: true });
      const sidecar = { ...metadata, contentType, sizeBytes: bytes.byteLength };
      await writeWhole(`${path}.json`, Buffer.from(JSON.stringify(sidecar, null, 2)));
      await writeWhole(path, bytes);
    } catch (error) {
      throw storageError(key, error);
    }
    const address = key.split('/').map(encodeURIComponent).join('/');
    return { key, url: `${baseUrl}/${address}`, sizeBytes: bytes.byteLength };
  },
});

/** Documents in the folder of the narrations, whose server hands out audio only. */
export const createFolderRecordStore = (folder: string): RecordStore => ({
  keep: async (key, bytes) => {
    const path = pathIn(folder, key);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeWhole(path, bytes);
      await syncFolder(dirname(path));
    } catch (error) {
      throw storageError(key, error);
    }
  },
});
