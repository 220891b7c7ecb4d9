import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { TalebackError } from '@taleback/core';
import type { AudioStore } from '../storage/index.ts';

const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

const storageError = (key: string, cause: unknown): TalebackError => {
  const code = (cause as { code?: unknown } | null)?.code;
  const details = `${key}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return FULL_CODES.has(code)
    ? new TalebackError('disk_full', 'No space left for the audio', { details, cause })
    : new TalebackError('storage_upload_failed', 'The audio could not be saved', { details, cause });
};

/** Writes a file whole: to a name of its own, flushed to the disk, then moved into place. */
const writeWhole = async (path: string, bytes: Uint8Array): Promise<void> => {
  const draft = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
};

/**
 * Narrations in a folder.
 *
 * @param folder where the keys' paths begin
 * @param baseUrl address under which the folder is served, without a closing slash
 */
export const createFolderAudioStore = (folder: string, baseUrl: string): AudioStore => ({
  put: async ({ key, bytes, contentType, metadata }) => {
    const root = resolve(folder);
    const path = join(root, key);
    if (!path.startsWith(root + sep)) {
      throw new TalebackError('storage_upload_failed', 'The audio could not be saved', {
        details: `${key}: leaves the folder`,
      });
    }
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
