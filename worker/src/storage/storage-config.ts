import { join, resolve } from 'node:path';
import { z } from 'zod';
import { httpAddress, integer, optional, positive, secret, text } from '../config-fields.ts';

const address = httpAddress
  .refine((url) => !URL.canParse(url) || new URL(url).username === '', 'must hold no password')
  .transform((url) => url.replace(/\/+$/, ''));

const bucketName = z
  .string()
  .regex(
    /^[a-z\d][a-z\d._-]{1,220}[a-z\d]$/,
    'must be lower-case letters, digits, dots, dashes and underscores',
  );

/** Where narrations are stored. */
export const storageEnvironment = {
  AUDIO_STORE: z
    .enum(['folder', 's3', 'gcs'])
    .default('folder')
    .describe(
      'Where narrations are kept, and what is private: recordings of voices and undeliverable callbacks. `s3`: a bucket of S3, Cloudflare R2 or what speaks like them; its key must be allowed to get, put and delete objects, and to list them, so that a missing object can be distinguished from a forbidden one. `gcs`: a bucket of Cloud Storage.',
    ),
  AUDIO_FOLDER: text('.taleback/audio').describe(
    'Folder where narrations are kept when the store is a folder.',
  ),
  PRIVATE_FOLDER: optional(z.string().min(1)).describe(
    'Folder for recordings that came with jobs (`recordings/`) and callbacks that were given up (`failed_callbacks/`), where they are in no bucket. Only the user of the worker may read it; it is never served. Functions on the same machine need the same. Default: `private` in `OUTBOX_FOLDER`.',
  ),
  PRIVATE_BUCKET: optional(bucketName).describe(
    'Bucket for what is private, of the same service and with the same key as the bucket of narrations. Default: the bucket of narrations, unless `AUDIO_BASE_URL` publishes it; then recordings are looked for, and undeliverable callbacks kept, in `PRIVATE_FOLDER`.',
  ),
  RECORDING_DAYS: integer(1, 3_650, 30).describe(
    'After how many days a recording that came with a job is removed; until then Try Again can use it. 1 to 3650. What a server put into the store itself stays.',
  ),
  AUDIO_BASE_URL: optional(address).describe(
    'Where listeners reach the store, as the address that a key is appended to. Default: the audio server of this worker for a folder, signed addresses for a bucket.',
  ),
  AUDIO_SIGNED_URL_HOURS: positive(168, 168).describe(
    'How long a signed address of a narration can be played. Hours, up to 168: seven days is the longest that S3 and Cloud Storage sign for. The page asks for a new address when one has run out, of functions that know the bucket.',
  ),
  S3_ENDPOINT: optional(address).describe(
    'Address of the S3 service without the bucket, such as `https://<account>.r2.cloudflarestorage.com`. Default: Amazon, in the region of `S3_REGION`.',
  ),
  S3_BUCKET: optional(bucketName).describe('Bucket for `AUDIO_STORE=s3`.'),
  S3_REGION: z
    .string()
    .regex(/^[a-z\d-]{1,50}$/, 'must be lower-case letters, digits and dashes')
    .default('auto')
    .describe('Region that requests are signed for. `auto` is what Cloudflare R2 wants.'),
  S3_ACCESS_KEY_ID: optional(z.string().min(1)).describe('Name of the access key for `AUDIO_STORE=s3`.'),
  S3_SECRET_ACCESS_KEY: optional(secret).describe('The access key itself. Secret.'),
  S3_SESSION_TOKEN: optional(secret).describe(
    'Token that belongs to temporary credentials. Signed addresses end with it. Secret.',
  ),
  S3_ADDRESSING: z
    .enum(['path', 'virtual-host'])
    .default('path')
    .describe(
      'Whether the bucket is in the path of an address or before the name of the host. Every service takes `path`, Amazon prefers `virtual-host`.',
    ),
  GCS_BUCKET: optional(bucketName).describe(
    'Bucket for `AUDIO_STORE=gcs`. The account of the worker needs the role Storage Object User there.',
  ),
  GCS_ENDPOINT: optional(address).describe(
    'Another address for Cloud Storage, such as that of its emulator, without signing in.',
  ),
};

type StorageEnvironment = z.output<z.ZodObject<typeof storageEnvironment>>;

const SECONDS_PER_HOUR = 3_600;

/** @throws Error that names every variable that `AUDIO_STORE` needs and that is not set */
const required = <T extends Record<string, unknown>>(
  store: string,
  values: T,
): { readonly [K in keyof T]: NonNullable<T[K]> } => {
  const missing = Object.keys(values).filter((name) => values[name] === undefined);
  if (missing.length > 0)
    throw new Error(`configuration: AUDIO_STORE: "${store}" needs ${missing.join(', ')}`);
  return values as { readonly [K in keyof T]: NonNullable<T[K]> };
};

const amazon = (region: string): string | undefined =>
  region === 'auto' ? undefined : `https://s3.${region}.amazonaws.com`;

/**
 * The store that is configured, as its constructor takes it.
 *
 * @throws Error that names the variables which the chosen store lacks
 */
export const storageConfig = (env: StorageEnvironment) => {
  const shared = {
    /** Undefined: addresses are signed. */
    publicUrl: env.AUDIO_BASE_URL,
    signedUrlSeconds: Math.round(env.AUDIO_SIGNED_URL_HOURS * SECONDS_PER_HOUR),
  };
  if (env.AUDIO_STORE === 'gcs') {
    const { GCS_BUCKET: bucket } = required('gcs', { GCS_BUCKET: env.GCS_BUCKET });
    return { kind: 'gcs', bucket, endpoint: env.GCS_ENDPOINT, ...shared } as const;
  }
  if (env.AUDIO_STORE === 'folder')
    return { kind: 'folder', folder: env.AUDIO_FOLDER, baseUrl: env.AUDIO_BASE_URL } as const;
  const given = required('s3', {
    S3_BUCKET: env.S3_BUCKET,
    S3_ENDPOINT: env.S3_ENDPOINT ?? amazon(env.S3_REGION),
    S3_ACCESS_KEY_ID: env.S3_ACCESS_KEY_ID,
    S3_SECRET_ACCESS_KEY: env.S3_SECRET_ACCESS_KEY,
  });
  return {
    kind: 's3',
    bucket: given.S3_BUCKET,
    endpoint: given.S3_ENDPOINT,
    region: env.S3_REGION,
    accessKeyId: given.S3_ACCESS_KEY_ID,
    secretAccessKey: given.S3_SECRET_ACCESS_KEY,
    sessionToken: env.S3_SESSION_TOKEN,
    addressing: env.S3_ADDRESSING,
    ...shared,
  } as const;
};

export type StorageConfig =
  | ReturnType<typeof storageConfig>
  /** Its files are for this user only, and have no addresses. */
  | { readonly kind: 'private-folder'; readonly folder: string };

/**
 * The store for recordings and for callbacks that were given up. It has no public address.
 *
 * @throws Error when its bucket is published, or there is no service for it
 */
export const privateStorageConfig = (env: StorageEnvironment, outboxFolder: string): StorageConfig => {
  const narrations = storageConfig(env);
  const { PRIVATE_BUCKET: bucket } = env;
  const folder = {
    kind: 'private-folder',
    folder: env.PRIVATE_FOLDER ?? join(outboxFolder, 'private'),
  } as const;
  if (narrations.kind === 'folder') {
    if (bucket !== undefined)
      throw new Error('configuration: PRIVATE_BUCKET: needs AUDIO_STORE "s3" or "gcs"');
    if (resolve(folder.folder) === resolve(narrations.folder))
      throw new Error(
        'configuration: PRIVATE_FOLDER: must be another folder than AUDIO_FOLDER, which is served',
      );
    return folder;
  }
  const isPublished = narrations.publicUrl !== undefined;
  if (isPublished && bucket === narrations.bucket)
    throw new Error(
      'configuration: PRIVATE_BUCKET: must be another bucket than that of narrations, which AUDIO_BASE_URL publishes',
    );
  if (isPublished && bucket === undefined) return folder;
  return { ...narrations, bucket: bucket ?? narrations.bucket, publicUrl: undefined };
};
