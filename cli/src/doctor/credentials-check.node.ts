import { readFile } from 'node:fs/promises';
import type { ErrorCode } from '@taleback/core';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Environment } from '../options.node.ts';
import type { Check, CheckGroup } from './examine.ts';

/** A credential by the name of its variable; never its value. */
export interface Credential {
  readonly variable: string;
  /** What does not work without it. */
  readonly neededFor: string;
  readonly isPresent: boolean;
  /** Why what is there is of no use. */
  readonly fault?: string | undefined;
  /** True when everything else works without it. */
  readonly isOptional?: boolean | undefined;
  /** Default `credentials_invalid`. */
  readonly code?: ErrorCode | undefined;
}

/** Credentials: whether they are there, not whether they are accepted. */
export const credentialsCheck = (group: CheckGroup, find: () => Promise<readonly Credential[]>): Check => ({
  name: 'credentials',
  group,
  run: async () => {
    const all = await find();
    const bad = all.filter(({ isPresent, fault }) => !isPresent || fault !== undefined);
    if (bad.length === 0) {
      const names = all.map(({ variable }) => variable).join(', ');
      return { status: 'ok', summary: names === '' ? 'None are needed.' : `${names}: there.` };
    }
    const failed = bad.find(({ isOptional }) => isOptional !== true);
    return {
      status: failed === undefined ? 'warning' : 'failed',
      code: (failed ?? bad[0])?.code ?? 'credentials_invalid',
      summary: bad
        .map(({ variable, fault, neededFor }) => `${variable} ${fault ?? 'is missing'}: ${neededFor}.`)
        .join(' '),
      suggestions: bad.map(({ variable }) => `Set ${variable}; docs/configuration.md says how`),
    };
  },
});

/** Unsigned callbacks are refused by our receiver, and accepted by others. */
export const callbackCredentials = ({ secrets }: WorkerConfig): readonly Credential[] => [
  {
    variable: 'CALLBACK_SECRETS',
    neededFor: 'callbacks are sent unsigned',
    isPresent: secrets.count > 0,
    isOptional: true,
  },
];

const faultOfKeyFile = async (file: string): Promise<string | undefined> => {
  try {
    const key = JSON.parse(await readFile(file, 'utf8')) as { type?: unknown } | null;
    return typeof key?.type === 'string' ? undefined : 'names a file that is no key of Google';
  } catch (error) {
    const isRead = error instanceof SyntaxError;
    return isRead ? 'names a file that is not JSON' : 'names a file that cannot be read';
  }
};

const RUNPOD = ['RUNPOD_WEBHOOK_GET_JOB', 'RUNPOD_WEBHOOK_POST_OUTPUT', 'RUNPOD_AI_API_KEY'];

export const jobCredentials = async (
  { source }: WorkerConfig,
  environment: Environment,
): Promise<readonly Credential[]> => {
  if (source.kind === 'runpod') {
    const neededFor = 'RunPod sets it where it starts a worker';
    return RUNPOD.map((variable) => ({ variable, neededFor, isPresent: Boolean(environment[variable]) }));
  }
  const variable = 'GOOGLE_APPLICATION_CREDENTIALS';
  const file = environment[variable];
  if (source.kind !== 'pubsub' || !file || environment['PUBSUB_EMULATOR_HOST']) return [];
  const fault = await faultOfKeyFile(file);
  const neededFor = 'no jobs can be taken';
  return [{ variable, neededFor, isPresent: true, fault, code: 'service_account_invalid' }];
};
