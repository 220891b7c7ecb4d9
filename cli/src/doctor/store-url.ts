import type { StorageConfig } from '@taleback/worker/src/config/storage-environment.ts';

const GOOGLE = 'https://storage.googleapis.com';

/** Where the audio store is reached; undefined for a folder. */
export const storeUrl = (config: StorageConfig): string | undefined => {
  if (config.kind === 'folder') return undefined;
  if (config.kind === 'gcs') return config.endpoint ?? GOOGLE;
  const { endpoint, addressing, bucket } = config;
  return addressing === 'path' ? endpoint : endpoint.replace(/^(https?:\/\/)/, `$1${bucket}.`);
};
