import { SecretText } from '@taleback/core';
import { z } from 'zod';

/** Where jobs come from, and what RunPod needs of this machine. */
export const runpodEnvironment = {
  JOB_SOURCE: z
    .enum(['pubsub', 'runpod', 'runpod-dev'])
    .default('pubsub')
    .describe(
      'Where jobs come from. `runpod`: this is a serverless worker of RunPod, which sets the variables `RUNPOD_WEBHOOK_*`, `RUNPOD_POD_ID`, `RUNPOD_AI_API_KEY` and `RUNPOD_PING_INTERVAL` itself. `runpod-dev`: jobs are posted to `/run` of this process, as to an endpoint of RunPod.',
    ),
  RUNPOD_OUTBOX_FOLDER: z
    .string()
    .min(1)
    .default('.taleback/runpod-outbox')
    .describe(
      'Folder where jobs and results of RunPod are kept until the platform accepted the result. Several workers may share it.',
    ),
  RUNPOD_DEV_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address that the local RunPod API listens on.'),
  RUNPOD_DEV_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8000)
    .describe('Port of the local RunPod API; 0 takes any free one. 8000, as `--rp_serve_api`.'),
  RUNPOD_DEV_API_KEY: z
    .string()
    .default('')
    .transform((key) => (key === '' ? undefined : new SecretText(key)))
    .describe('Key that clients of the local RunPod API must send. None lets everybody in. Secret.'),
};

type RunpodEnvironment = z.output<z.ZodObject<typeof runpodEnvironment>>;

export interface SourceConfig {
  readonly kind: 'pubsub' | 'runpod' | 'runpod-dev';
  readonly runpodOutboxFolder: string;
  readonly runpodDev: {
    readonly host: string;
    readonly port: number;
    readonly apiKey: SecretText | undefined;
  };
}

export const toSourceConfig = (env: RunpodEnvironment): SourceConfig => ({
  kind: env.JOB_SOURCE,
  runpodOutboxFolder: env.RUNPOD_OUTBOX_FOLDER,
  runpodDev: { host: env.RUNPOD_DEV_HOST, port: env.RUNPOD_DEV_PORT, apiKey: env.RUNPOD_DEV_API_KEY },
});
