import { SecretText } from '@taleback/core';
import { z } from 'zod';

/** Stands for no key where a secret must not be empty. */
const NO_KEY = '-';
const SECONDS_PER_HOUR = 3_600;

const address = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .transform((url) => url.replace(/\/+$/, ''));

/** An empty variable is one that is not set. */
const optional = <T extends z.ZodType>(schema: T): z.ZodType<z.output<T> | undefined> =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

/** Where the sweeper looks for audio whose callback was lost. Named as in the worker, so that both can share them. */
export const audioVariables = {
  AUDIO_STORE: z
    .enum(['folder', 's3', 'gcs'])
    .default('folder')
    .describe(
      'Where the workers keep their audio. `s3`, and `gcs` with `GCS_BUCKET`: the bucket itself is asked for audio whose callback was lost, and for new addresses of stories, so it need not be published. `folder`: it is asked below `AUDIO_PUBLIC_BASE_URL`.',
    ),
  AUDIO_PUBLIC_BASE_URL: optional(address).describe(
    'Where the audio of the workers is served, as the address that a key is appended to. When it is set, or a bucket, the sweeper looks for audio whose callback was lost before it gives a job up.',
  ),
  AUDIO_SIGNED_URL_HOURS: z.coerce
    .number()
    .gt(0)
    .max(168)
    .default(168)
    .describe(
      'How long a signed address can be played, where the bucket is not published; the page asks for another when it has run out. Hours, up to 168, the longest that S3 and Cloud Storage sign for.',
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
    'Name of the access key for `AUDIO_STORE=s3`. It must be allowed to get objects and to list them: else nobody can tell audio that is missing from audio that is forbidden.',
  ),
  S3_SECRET_ACCESS_KEY: z
    .string()
    .default('')
    .transform((text) => {
      const key = text.trim();
      return key === '' || key === NO_KEY ? undefined : new SecretText(key);
    })
    .describe(
      'The access key itself. `-` where there is none, because a deployment wants every secret set. Secret.',
    ),
  GCS_BUCKET: optional(z.string().min(1)).describe(
    'Bucket for `AUDIO_STORE=gcs`. Whoever the functions are signed in as needs the roles Storage Object Viewer there and, where the bucket is not published, Service Account Token Creator on itself.',
  ),
  S3_ADDRESSING: z
    .enum(['path', 'virtual-host'])
    .default('path')
    .describe('Whether the bucket stands in the path of an address or before the name of the host.'),
};

/** A bucket of S3 that can be asked, signed. */
export interface S3AudioConfig {
  readonly kind: 's3';
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretText;
  readonly addressing: 'path' | 'virtual-host';
  /** Undefined: addresses are signed. */
  readonly publicUrl: string | undefined;
  readonly signedUrlSeconds: number;
}

/** A bucket of Cloud Storage that can be asked as whom the functions are signed in as. */
export interface GcsAudioConfig {
  readonly kind: 'gcs';
  readonly bucket: string;
  /** Undefined: addresses are signed. */
  readonly publicUrl: string | undefined;
  readonly signedUrlSeconds: number;
}

export interface AudioConfig {
  readonly audioBaseUrl: string | undefined;
  /** Undefined when audio is looked for below `audioBaseUrl`, or nowhere. */
  readonly audioBucket: S3AudioConfig | GcsAudioConfig | undefined;
}

type AudioEnvironment = z.output<z.ZodObject<typeof audioVariables>>;

const addressing = (env: AudioEnvironment): Pick<GcsAudioConfig, 'publicUrl' | 'signedUrlSeconds'> => ({
  publicUrl: env.AUDIO_PUBLIC_BASE_URL,
  signedUrlSeconds: Math.round(env.AUDIO_SIGNED_URL_HOURS * SECONDS_PER_HOUR),
});

const readS3 = (env: AudioEnvironment): S3AudioConfig => {
  const amazon = env.S3_REGION === 'auto' ? undefined : `https://s3.${env.S3_REGION}.amazonaws.com`;
  const endpoint = env.S3_ENDPOINT ?? amazon;
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!bucket || !endpoint || !accessKeyId || !secretAccessKey) {
    const needed = {
      S3_BUCKET: bucket,
      S3_ENDPOINT: endpoint,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [name] : []));
    throw new Error(`configuration: AUDIO_STORE: "s3" needs ${missing.join(', ')}`);
  }
  return {
    kind: 's3',
    endpoint,
    bucket,
    region: env.S3_REGION,
    accessKeyId,
    secretAccessKey,
    addressing: env.S3_ADDRESSING,
    ...addressing(env),
  };
};

const readBucket = (env: AudioEnvironment): AudioConfig['audioBucket'] => {
  if (env.AUDIO_STORE === 's3') return readS3(env);
  const { GCS_BUCKET: bucket } = env;
  return env.AUDIO_STORE === 'gcs' && bucket !== undefined
    ? { kind: 'gcs', bucket, ...addressing(env) }
    : undefined;
};

/** @throws Error that names what a bucket of S3 lacks */
export const audioConfig = (env: AudioEnvironment): AudioConfig => ({
  audioBaseUrl: env.AUDIO_PUBLIC_BASE_URL,
  audioBucket: readBucket(env),
});
