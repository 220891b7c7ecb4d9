import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { TalebackError } from '@taleback/core';
import { tryWithDeadline, withDeadline } from '@taleback/resilience';
import { createHttpPost } from '@taleback/outbox';
import { createNetworkProbe } from '@taleback/speech/diagnosis';
import { createMachineReader, readDiskSpace } from '@taleback/speech/operations';
import { signingOf, type WorkerConfig } from '@taleback/worker/src/config.ts';
import { readWorkerToken } from '@taleback/worker/src/health/worker-token.node.ts';
import { openStores } from '@taleback/worker/src/storage/open-storage.ts';
import { postSigned, readGenerateSigning, type Signed } from '../narrate/narration.ts';
import type { Environment } from '../options.node.ts';
import { findFailed } from '../replay/letters.node.ts';
import { createWorkerClient, workerUrl } from '../worker-client.ts';
import { callbackCredentials, credentialsCheck, jobCredentials } from './credentials-check.node.ts';
import { breakerCheck, engineChecks, numbersCheck } from './engine-checks.ts';
import type { Check } from './examine.ts';
import { concurrencyCheck, readConcurrencyMode } from './firestore-check.node.ts';
import { diskCheck, machineCheck, neededPrograms, programCheck } from './machine-checks.node.ts';
import { openEnginesUnderTest } from './open-engines.ts';
import { findSubscription, grantsCheck, testGrants } from './pubsub-checks.node.ts';
import { outboxCheck, readOutbox } from './outbox-check.node.ts';
import {
  firestorePlace,
  generateCheck,
  openAddresses,
  placeCheck,
  pubsubPlace,
  type ReceiverAnswer,
  receiverCheck,
  storageCheck,
  storeUrl,
  streamsCheck,
} from './service-checks.ts';

export interface DoctorOptions {
  readonly config: WorkerConfig;
  readonly environment: Environment;
  readonly voiceId: string | undefined;
  /** Whether no engine is asked to speak. */
  readonly isQuick: boolean;
  /** Base address of the callback receiver. */
  readonly receiverUrl: string | undefined;
  /** For each check, ms. */
  readonly timeoutMs: number;
}

/** A diagnosis ends before its check does, so that its own findings are reported. */
const SHARE_OF_TIME = 0.9;
/** One try: each answer is reported as it comes, and the check itself ends the waiting. */
const ONCE = { maxAttempts: 1, backoff: { kind: 'schedule', delaysMs: [0], jitter: 'none' } } as const;

/**
 * @param key of an object in the private store, and its text
 * @throws TalebackError when it can be read without a key of ours
 */
export const requirePrivate = async (
  config: Pick<WorkerConfig, 'storage' | 'privateStorage'>,
  [key, text]: readonly [string, string],
  signal: AbortSignal,
): Promise<void> => {
  const { storage, privateStorage } = config;
  if (storage.kind === 'folder' && 'folder' in privateStorage) {
    const [served, folder] = await Promise.all(
      // A folder that is not there yet has no links.
      [storage.folder, privateStorage.folder].map((one) => realpath(one).catch(() => resolve(one))),
    );
    if (`${folder}${sep}`.startsWith(`${served}${sep}`))
      throw new TalebackError('permission_denied', `The private folder lies in ${served}, which is served`);
  }
  for (const address of openAddresses(config, key)) {
    const answer = await fetch(address, { signal });
    // A web server may answer 200 to everything.
    if (answer.ok && (await answer.text()) === text)
      throw new TalebackError('permission_denied', 'Everyone can read what is in it', { details: address });
  }
};

/** Everything that the doctor looks at. */
export const doctorChecks = async (options: DoctorOptions): Promise<readonly Check[]> => {
  const { config, environment, voiceId, receiverUrl } = options;
  const { callbacks, subscription, storage } = config;
  const timeoutMs = options.timeoutMs * SHARE_OF_TIME;
  const looking = { network: createNetworkProbe(), timeoutMs };
  const url = workerUrl(config.health);
  const token = await readWorkerToken(callbacks.outbox.folder);
  const worker = url === undefined ? undefined : createWorkerClient(url, token);
  const tries = { retry: ONCE, timeoutMs: options.timeoutMs };
  const { narrations, hidden, withRecords } = await openStores(config, {
    folderUrl: 'http://localhost',
    ...tries,
  });
  const { post } = createHttpPost({ ...callbacks, allowPrivate: true, timeoutMs: options.timeoutMs });
  const postWith =
    (signing: Signed['signing']) =>
    (target: string, body: unknown, signal: AbortSignal): Promise<ReceiverAnswer> => {
      const messageId = `doctor_${crypto.randomUUID()}`;
      return postSigned({ signing, post }, { url: target, messageId, body }, signal);
    };
  const generateSigning = readGenerateSigning(environment);
  const countFailed = (signal: AbortSignal): Promise<number> =>
    withDeadline(async (inner) => (await findFailed(withRecords, inner)).length, timeoutMs, { signal });
  return [
    ...engineChecks(await openEnginesUnderTest(config, options), {
      ...looking,
      voiceId,
      isAtWork: async (engine, signal) => (await worker?.enginesAtWork(signal))?.includes(engine) ?? false,
    }),
    ...config.engines.names.map((name) => numbersCheck(name, options)),
    breakerCheck(async (signal) => {
      // The doctor's own word is counted by no breaker. What goes wrong shows when they are read.
      const speak = async (inner: AbortSignal) => worker?.testServices(config.engines.names, inner);
      if (!options.isQuick) await tryWithDeadline(speak, timeoutMs, { signal }).catch(() => {});
      return worker?.breakers(signal);
    }),
    credentialsCheck('callbacks', async () => callbackCredentials(config)),
    receiverCheck({ ...looking, baseUrl: receiverUrl, post: postWith(signingOf(callbacks, config.secrets)) }),
    generateCheck({ ...looking, baseUrl: receiverUrl, post: generateSigning && postWith(generateSigning) }),
    outboxCheck((signal) => readOutbox(callbacks.outbox.folder, () => countFailed(signal), Date.now())),
    credentialsCheck('jobs', () => jobCredentials(config, environment)),
    placeCheck({
      ...looking,
      name: 'Pub/Sub',
      group: 'jobs',
      place: pubsubPlace(config, environment),
      health: () => findSubscription(subscription),
    }),
    grantsCheck(config, () => testGrants(config)),
    streamsCheck(async (signal) => worker?.streams(signal)),
    placeCheck({ ...looking, name: 'Firestore', group: 'jobs', place: firestorePlace(environment) }),
    concurrencyCheck(environment, () => withDeadline(readConcurrencyMode, timeoutMs)),
    storageCheck({
      ...looking,
      place: narrations.place,
      url: storeUrl(storage),
      check: async (signal) => void (await narrations.check(signal)),
    }),
    storageCheck({
      ...looking,
      name: 'private store',
      place: hidden.place,
      url: storeUrl(config.privateStorage),
      check: async (signal) =>
        void (await hidden.check(signal, (...object) => requirePrivate(config, object, signal))),
    }),
    diskCheck('disk of audio', config.audio.folder, readDiskSpace),
    diskCheck('disk of outbox', callbacks.outbox.folder, readDiskSpace),
    machineCheck(createMachineReader(), config.protection.options.thresholds),
    ...neededPrograms(config.engines).map(programCheck),
  ];
};
