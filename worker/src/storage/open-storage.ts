import { recordingKey, withoutRecordings } from '@taleback/core/storage';
import { parseEvent } from '@taleback/handler';
import type { RunpodJob } from '@taleback/runpod-worker';
import type { BucketTries } from './bucket.ts';
import { createFolderObjects } from './folder.node.ts';
import { createLibrary, type Library, type ObjectStore } from './library.ts';
import type { StorageConfig } from './storage-config.ts';

export interface StorageOptions extends BucketTries {
  readonly config: StorageConfig;
  /** Address of the audio server, for a folder that has no other. */
  readonly folderUrl: string;
}

/** Loads the clients of buckets only when they are needed. */
const openObjects = async ({ config, folderUrl, ...tries }: StorageOptions): Promise<ObjectStore> => {
  switch (config.kind) {
    case 'folder':
      return createFolderObjects(config.folder, config.baseUrl ?? folderUrl);
    case 'private-folder':
      return createFolderObjects(config.folder, undefined);
    case 'gcs': {
      const { openGcsObjectStore } = await import('./gcs.node.ts');
      return openGcsObjectStore({ ...config, ...tries });
    }
    case 's3': {
      const { openS3ObjectStore } = await import('./s3.node.ts');
      return openS3ObjectStore({ ...config, ...tries });
    }
    default:
      return config satisfies never;
  }
};

/** A store that is configured; it is not used yet. */
export const openStorage = async (options: StorageOptions): Promise<Library> =>
  createLibrary(await openObjects(options));

/**
 * The stores of a worker: narrations, which may have public addresses, and what is private: recordings below `recordings/`
 * and records below `failed_callbacks/`. They are not used yet.
 */
export const openStores = async (
  { storage, privateStorage }: { readonly storage: StorageConfig; readonly privateStorage: StorageConfig },
  options: Omit<StorageOptions, 'config'>,
) => {
  const narrations = await openStorage({ ...options, config: storage });
  const hidden = await openStorage({ ...options, config: privateStorage });
  return {
    narrations,
    hidden,
    /** Keeps callbacks that were given up, and removes the audio of those whose story was deleted. */
    letters: { keep: hidden.keep, removeAudio: narrations.removeAudio },
    /** Where records are, once each: an earlier version kept them beside narrations. */
    withRecords: hidden.place === narrations.place ? [hidden] : [hidden, narrations],
    /** The bytes of a recording. What a server or an earlier version put beside narrations is found there. */
    readRecording: async (key: string, signal?: AbortSignal): Promise<Uint8Array | undefined> =>
      (await hidden.read(key, signal)) ?? narrations.read(key, signal),
    /** A job of RunPod as its outbox may keep it: its recording is kept in the private store. */
    keepable: (job: RunpodJob): Promise<RunpodJob> => {
      const parsed = parseEvent(job);
      const { userId } = parsed.ok ? parsed.job : parsed.identity;
      return withoutRecordings(job, async (bytes) => {
        const key = recordingKey({ userId, bytes, nowMs: Date.now() });
        await hidden.keep(key, bytes, 'application/octet-stream');
        return key;
      });
    },
    close: async (): Promise<void> => {
      await Promise.all([narrations.close(), hidden.close()]);
    },
  };
};

export type Stores = Awaited<ReturnType<typeof openStores>>;
