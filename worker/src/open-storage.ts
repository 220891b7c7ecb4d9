import type { RetryPolicy } from '@taleback/resilience';
import { createFolderAudioStore, createFolderRecordStore } from './storage/folder-audio-store.node.ts';
import type { StorageConfig } from './config/storage-environment.ts';
import {
  type AudioLibrary,
  createAudioLibrary,
  createRecordStore,
  type RecordLibrary,
} from './storage/index.ts';

export interface StorageOptions {
  readonly config: StorageConfig;
  /** Address of the audio server, for a folder that has no other. */
  readonly folderUrl: string;
  /** How often a bucket is asked the same. Default: four times. */
  readonly retry?: RetryPolicy | undefined;
  /** Time for one try with a bucket, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
}

export interface OpenStorage {
  readonly audio: AudioLibrary;
  readonly records: RecordLibrary;
  readonly close: () => Promise<void>;
}

/** The store that the configuration names; nothing is asked of it yet. Clients of buckets are loaded when they are needed. */
export const openStorage = async ({
  config,
  folderUrl,
  retry,
  timeoutMs,
}: StorageOptions): Promise<OpenStorage> => {
  if (config.kind === 'folder')
    return {
      audio: createFolderAudioStore(config.folder, config.baseUrl ?? folderUrl),
      records: createFolderRecordStore(config.folder),
      close: async () => {},
    };
  if (config.kind === 'gcs') {
    const { openGcsObjectStore } = await import('./storage/gcs-object-store.node.ts');
    const objects = openGcsObjectStore({ ...config, retry, timeoutMs });
    return {
      audio: createAudioLibrary(objects),
      records: createRecordStore(objects),
      close: async () => {},
    };
  }
  const { openS3ObjectStore } = await import('./storage/s3-object-store.node.ts');
  const objects = openS3ObjectStore({
    ...config,
    retry,
    timeoutMs,
    secretAccessKey: config.secretAccessKey.text,
    sessionToken: config.sessionToken?.text,
  });
  return {
    audio: createAudioLibrary(objects),
    records: createRecordStore(objects),
    close: () => objects.close(),
  };
};
