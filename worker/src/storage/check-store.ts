import { randomUUID } from 'node:crypto';
import { TalebackError } from '@taleback/core';
import type { StoreCheck } from './audio-store.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * Finds out whether a store can say where its objects are fetched, and be written to and read from, by doing it.
 * @throws TalebackError what the store says, or `storage_unavailable` when something else comes back than was written
 */
export const checkStore = async (objects: ObjectStore, signal?: AbortSignal): Promise<StoreCheck> => {
  const key = `check-${randomUUID()}.txt`;
  const bytes = Buffer.from(`written by a check of ${objects.place}\n`);
  await objects.urlOf(key);
  await objects.write({ key, bytes, contentType: 'text/plain' }, signal);
  try {
    const back = await objects.read(key, signal);
    if (back === undefined || Buffer.compare(bytes, back) !== 0)
      throw new TalebackError('storage_unavailable', 'The store does not give back what it was given', {
        details: `${objects.place}: ${back?.byteLength ?? 'none'} of ${bytes.byteLength} bytes of ${key}`,
      });
  } catch (error) {
    await objects.remove(key).catch(() => {});
    throw error;
  }
  await objects.remove(key, signal);
  return { place: objects.place };
};
