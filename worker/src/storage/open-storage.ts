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

/** The store that is configured; it is not used yet. */
export const openStorage = async (options: StorageOptions): Promise<Library> =>
  createLibrary(await openObjects(options));
