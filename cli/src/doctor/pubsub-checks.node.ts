import type { PubSub, Subscription, Topic } from '@google-cloud/pubsub';
import { expectNoCloudBesideEmulator, type WorkerConfig } from '@taleback/worker/src/config.ts';
import { GRPC, grpcCode } from '@taleback/worker/src/jobs/pubsub-faults.ts';
import type { Check } from './examine.ts';

const withPubsub = async <T>(ask: (client: PubSub) => Promise<T>): Promise<T> => {
  const { PubSub } = await import('@google-cloud/pubsub');
  expectNoCloudBesideEmulator();
  const client = new PubSub();
  try {
    return await ask(client);
  } finally {
    await client.close();
  }
};

/** Asks Pub/Sub whether the subscription is there; the worker creates it when it is missing. */
export const findSubscription = (name: string): Promise<string> =>
  withPubsub(async (client) => {
    try {
      const [exists] = await client.subscription(name).exists();
      return exists ? `the subscription ${name} is there` : `the worker will create the subscription ${name}`;
    } catch (error) {
      // A subscriber may pull without being allowed to look at it.
      if (grpcCode(error) !== GRPC.PERMISSION_DENIED) throw error;
      return `the subscription ${name} may not be looked at, which the worker does not need`;
    }
  });

/** What the worker's account may do. */
export interface Grants {
  /** Pull from the subscription. */
  readonly consume: boolean;
  /** Publish to the topic of dead letters. */
  readonly publish: boolean;
}

const CONSUME = 'pubsub.subscriptions.consume';
const PUBLISH = 'pubsub.topics.publish';

const may = async (resource: Subscription | Topic, permission: string): Promise<boolean> => {
  const [granted] = await resource.iam.testPermissions(permission);
  if (granted[permission] === true) return true;
  // On what does not exist nothing is granted: the worker creates it.
  return resource.exists().then(
    ([exists]) => !exists,
    () => false,
  );
};

/** Undefined where grants cannot be tested, as on the emulator. */
export const testGrants = ({ names, subscription }: WorkerConfig): Promise<Grants | undefined> =>
  withPubsub(async (client) => {
    try {
      const [consume, publish] = await Promise.all([
        may(client.subscription(subscription), CONSUME),
        may(client.topic(names.topics.deadLetters), PUBLISH),
      ]);
      return { consume, publish };
    } catch (error) {
      if (grpcCode(error) === GRPC.UNIMPLEMENTED) return undefined;
      throw error;
    }
  });

/** Whether the account that runs the doctor, which is to be the worker's, has the roles that a worker needs. */
export const grantsCheck = (
  { source, subscription, names }: Pick<WorkerConfig, 'source' | 'subscription' | 'names'>,
  test: () => Promise<Grants | undefined>,
): Check => ({
  name: 'Pub/Sub roles',
  group: 'jobs',
  run: async () => {
    if (source.kind !== 'pubsub') return { status: 'skipped', summary: `Jobs come from ${source.kind}.` };
    const grants = await test();
    if (grants === undefined)
      return { status: 'skipped', summary: 'This Pub/Sub, such as the emulator, cannot test roles.' };
    const missing = [
      ...(grants.consume ? [] : [`roles/pubsub.subscriber on the subscription ${subscription}`]),
      ...(grants.publish ? [] : [`roles/pubsub.publisher on the topic ${names.topics.deadLetters}`]),
    ];
    if (missing.length === 0) return { status: 'ok', summary: 'It may pull jobs and set messages aside.' };
    return {
      status: grants.consume ? 'warning' : 'failed',
      code: 'permission_denied',
      summary: `This account lacks ${missing.join(' and ')}.`,
      suggestions: ['Grant it: docs/operating.md lists the roles'],
    };
  },
});
