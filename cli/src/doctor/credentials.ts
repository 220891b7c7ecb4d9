import { readFile } from 'node:fs/promises';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Credential } from '@taleback/speech/src/diagnosis/index.ts';
import type { Environment } from '../cli-ports.ts';

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';

/** Callbacks without a signature are refused by our receiver, and taken by others. */
export const callbackCredentials = ({ secrets }: WorkerConfig): readonly Credential[] => [
  {
    variable: 'CALLBACK_SECRETS',
    neededFor: 'callbacks are sent unsigned',
    isPresent: secrets.keys.length + secrets.hmac.length > 0,
    isOptional: true,
  },
];

const faultOfKeyFile = async (file: string): Promise<string | undefined> => {
  try {
    const key = JSON.parse(await readFile(file, 'utf8')) as { type?: unknown } | null;
    return typeof key?.type === 'string' ? undefined : 'names a file that is no key of Google';
  } catch (error) {
    return error instanceof SyntaxError
      ? 'names a file that is not JSON'
      : 'names a file that cannot be read';
  }
};

const RUNPOD = ['RUNPOD_WEBHOOK_GET_JOB', 'RUNPOD_WEBHOOK_POST_OUTPUT', 'RUNPOD_AI_API_KEY'];

/** What the source of jobs wants to be shown. */
export const jobCredentials = async (
  { source }: WorkerConfig,
  environment: Environment,
): Promise<readonly Credential[]> => {
  if (source.kind === 'runpod') {
    return RUNPOD.map((variable) => ({
      variable,
      neededFor: 'RunPod sets it where it starts a worker',
      isPresent: isSet(environment[variable]),
    }));
  }
  const file = environment['GOOGLE_APPLICATION_CREDENTIALS'];
  if (source.kind !== 'pubsub' || !isSet(file) || isSet(environment['PUBSUB_EMULATOR_HOST'])) return [];
  const fault = await faultOfKeyFile(file ?? '');
  const about = { variable: 'GOOGLE_APPLICATION_CREDENTIALS', neededFor: 'no jobs can be taken' };
  return [{ ...about, isPresent: true, fault, code: 'service_account_invalid' }];
};
