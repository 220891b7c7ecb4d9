import { SecretText } from '@taleback/core';
import { z } from 'zod';

/** Means no key where a deployment wants every secret set. */
const NO_KEY = '-';
const SECONDS_PER_HOUR = 3_600;
const SECONDS_PER_DAY = 86_400;

/** An http or https address, without closing slashes. */
export const address = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .transform((url) => url.replace(/\/+$/, ''));

/** An empty variable counts as not set. */
export const optional = <T extends z.ZodType>(schema: T): z.ZodType<z.output<T> | undefined> =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

/** A key of another service; `-` and nothing mean none. */
export const optionalKey = z
  .string()
  .default('')
  .transform((text) => {
    const key = text.trim();
    return key === '' || key === NO_KEY ? undefined : new SecretText(key);
  });

/** Where the sweeper looks for audio whose callback was lost. Named as in the worker, so that both can share them. */
export const audioVariables = {
  AUDIO_STORE: z
    .enum(['folder', 's3', 'gcs'])
    .default('folder')
    .describe(
      'Where the workers keep their audio. `s3`, and `gcs` with `GCS_BUCKET`: the bucket itself is read for audio whose callback was lost, and for new addresses of stories, so it need not be published. `folder`: audio is looked for below `AUDIO_PUBLIC_BASE_URL`.',
    ),
  AUDIO_PUBLIC_BASE_URL: optional(address).describe(
    'Where the audio of the workers is served, as the address that a key is appended to. When it is set, or a bucket, the sweeper looks for audio whose callback was lost before it fails a job.',
  ),
  PRIVATE_BUCKET: optional(z.string().min(1)).describe(
    'Bucket for recordings that come with jobs, of the same service and with the same key as the bucket of narrations, which must then be allowed to put and delete objects, too. Default: the bucket of narrations, unless `AUDIO_PUBLIC_BASE_URL` publishes it.',
  ),
  PRIVATE_FOLDER: optional(z.string().min(1)).describe(
    'Folder for recordings that come with jobs, on the machine of the worker, with `AUDIO_STORE=folder`; the same as the `PRIVATE_FOLDER` of the worker. Default: none; without a bucket and a folder, jobs with a recording are refused.',
  ),
  RECORDING_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_650)
    .default(30)
    .describe(
      'After how many days a recording that came with a job is removed; until then Try Again can use it. 1 to 3650.',
    ),
  AUDIO_SIGNED_URL_HOURS: z.coerce
    .number()
    .gt(0)
    .max(168)
    .default(168)
    .describe(
      'How long a signed address can be played, where the bucket is not published; the page requests a new one when it has expired. Hours, up to 168, the longest that S3 and Cloud Storage sign for.',
    ),
  S3_ENDPOINT: optional(address).describe(
    'Address of the S3 service without the bucket, such as `https://<account>.r2.cloudflarestorage.com`. Default: Amazon, in the region of `S3_REGION`.',
  ),
  S3_BUCKET: optional(
    z
      .string()
      .regex(
        /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/,
        'must be 3 to 63 lower-case letters, digits, dots and dashes',
      ),
  ).describe('Bucket for `AUDIO_STORE=s3`.'),
  S3_REGION: z
    .string()
    .regex(/^[a-z\d-]{1,50}$/, 'must be lower-case letters, digits and dashes')
    .default('auto')
    .describe('Region that requests are signed for. `auto` is what Cloudflare R2 wants.'),
  S3_ACCESS_KEY_ID: optional(z.string().min(1)).describe(
    'Name of the access key for `AUDIO_STORE=s3`. It needs the permissions to get objects and to list them: without the second, missing audio looks like forbidden audio.',
  ),
  S3_SECRET_ACCESS_KEY: optionalKey.describe(
    'The access key itself. `-` when there is none, because a deployment wants every secret set. Secret.',
  ),
  GCS_BUCKET: optional(z.string().min(1)).describe(
    "Bucket for `AUDIO_STORE=gcs`. The functions' service account needs the roles Storage Object Viewer there and, where the bucket is not published, Service Account Token Creator on itself.",
  ),
  S3_ADDRESSING: z
    .enum(['path', 'virtual-host'])
    .default('path')
    .describe('Whether the bucket is in the path of an address or before the name of the host.'),
};

type AudioEnvironment = z.output<z.ZodObject<typeof audioVariables>>;

const readS3 = (env: AudioEnvironment) => {
  const amazon = env.S3_REGION === 'auto' ? undefined : `https://s3.${env.S3_REGION}.amazonaws.com`;
  const needed = {
    S3_BUCKET: env.S3_BUCKET,
    S3_ENDPOINT: env.S3_ENDPOINT ?? amazon,
    S3_ACCESS_KEY_ID: env.S3_ACCESS_KEY_ID,
    S3_SECRET_ACCESS_KEY: env.S3_SECRET_ACCESS_KEY,
  };
  const { S3_BUCKET: bucket, S3_ENDPOINT: endpoint } = needed;
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = needed;
  if (!bucket || !endpoint || !accessKeyId || !secretAccessKey) {
    const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [name] : []));
    throw new Error(`configuration: AUDIO_STORE: "s3" needs ${missing.join(', ')}`);
  }
  const { S3_REGION: region, S3_ADDRESSING: addressing } = env;
  return { kind: 's3' as const, endpoint, bucket, region, accessKeyId, secretAccessKey, addressing };
};

/** Where recordings are kept; undefined when nothing is configured for what is private. */
const privateStoreOf = <Bucket extends { readonly bucket: string; readonly publicUrl: string | undefined }>(
  env: AudioEnvironment,
  audioBucket: Bucket | undefined,
) => {
  const { PRIVATE_BUCKET: bucket, PRIVATE_FOLDER: folder } = env;
  const lifetimeMs = env.RECORDING_DAYS * SECONDS_PER_DAY * 1_000;
  if (audioBucket === undefined) {
    if (bucket !== undefined)
      throw new Error('configuration: PRIVATE_BUCKET: needs AUDIO_STORE "s3" or "gcs" and its bucket');
    return folder === undefined ? undefined : { kind: 'folder' as const, folder, lifetimeMs };
  }
  const isPublished = audioBucket.publicUrl !== undefined;
  if (isPublished && bucket === audioBucket.bucket)
    throw new Error(
      'configuration: PRIVATE_BUCKET: must be another bucket than that of narrations, which AUDIO_PUBLIC_BASE_URL publishes',
    );
  if (isPublished && bucket === undefined) return undefined;
  return { ...audioBucket, bucket: bucket ?? audioBucket.bucket, publicUrl: undefined, lifetimeMs };
};

/**
 * The place of the audio. `audioBucket` is undefined when audio is looked for below `audioBaseUrl`, or nowhere.
 * @throws Error that names what a bucket of S3 lacks
 */
export const audioConfig = (env: AudioEnvironment) => {
  const addresses = {
    publicUrl: env.AUDIO_PUBLIC_BASE_URL,
    signedUrlSeconds: Math.round(env.AUDIO_SIGNED_URL_HOURS * SECONDS_PER_HOUR),
  };
  const { AUDIO_STORE: store, GCS_BUCKET: bucket } = env;
  const s3 = store === 's3' ? { ...readS3(env), ...addresses } : undefined;
  const gcs =
    store === 'gcs' && bucket !== undefined ? { kind: 'gcs' as const, bucket, ...addresses } : undefined;
  const audioBucket = s3 ?? gcs;
  const privateStore = privateStoreOf(env, audioBucket);
  return { audioBaseUrl: env.AUDIO_PUBLIC_BASE_URL, audioBucket, privateStore };
};
