import type { RetryPolicy } from '@taleback/resilience';
import { createFolderObjects } from './folder.node.ts';
import {
  type AudioLibrary,
  createAudioLibrary,
  createRecordStore,
  type RecordLibrary,
  type ObjectStore,
} from './library.ts';
import type { StorageConfig } from './storage-config.ts';

export interface OpenStorage {
  readonly audio: AudioLibrary;
  readonly records: RecordLibrary;
  readonly close: () => Promise<void>;
}

export interface StorageOptions {
  readonly config: StorageConfig;
  /** Address of the audio server, for a folder that has no other. */
  readonly folderUrl: string;
  /** How often a bucket is asked the same. Default: four times. */
  readonly retry?: RetryPolicy | undefined;
  /** Time for one try with a bucket, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
}

type OpenObjects = ObjectStore & { readonly close?: () => Promise<void> };

/** Loads the clients of buckets only when they are needed. */
const openObjects = async ({ config, folderUrl, ...tries }: StorageOptions): Promise<OpenObjects> => {
  if (config.kind === 'folder') return createFolderObjects(config.folder, config.baseUrl ?? folderUrl);
  if (config.kind === 'gcs') {
    const { openGcsObjectStore } = await import('./gcs.node.ts');
    return openGcsObjectStore({ ...config, ...tries });
  }
  const { openS3ObjectStore } = await import('./s3.node.ts');
  const { secretAccessKey, sessionToken } = config;
  const secrets = { secretAccessKey: secretAccessKey.text, sessionToken: sessionToken?.text };
  return openS3ObjectStore({ ...config, ...tries, ...secrets });
};

/** The store that is configured; it is not used yet. */
export const openStorage = async (options: StorageOptions): Promise<OpenStorage> => {
  const objects = await openObjects(options);
  return {
    audio: createAudioLibrary(objects),
    records: createRecordStore(objects),
    close: async () => objects.close?.(),
  };
};
