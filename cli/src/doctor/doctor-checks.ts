import { withDeadline } from '@taleback/resilience';
import type { Post } from '@taleback/outbox/src/callbacks-index.ts';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import {
  breakerCheck,
  type Check,
  credentialsCheck,
  type DiskSpace,
  diskCheck,
  type EngineUnderTest,
  engineChecks,
  machineCheck,
  type NetworkProbe,
  outboxCheck,
  type ProgramCheckOptions,
  placeCheck,
  programCheck,
  receiverCheck,
  storageCheck,
} from '@taleback/speech/src/diagnosis/index.ts';
import type { ReadMachine } from '@taleback/speech/src/protection/index.ts';
import type { RecordLibrary } from '@taleback/worker/src/storage/index.ts';
import type { CheckWish } from '../cli-ports.ts';
import { createWorkerClient, workerUrl } from '../worker-client.ts';
import { callbackCredentials, jobCredentials } from './credentials.ts';
import { firestorePlace, pubsubPlace } from './google-places.ts';
import { failedKeys } from '../replay/find-letters.ts';
import { readOutbox } from './read-outbox.ts';
import { signedPost } from './signed-post.ts';
import { storeUrl } from './store-url.ts';

/** What the checks look with. */
export interface DoctorTools {
  readonly network: NetworkProbe;
  readonly engines: readonly EngineUnderTest[];
  readonly readMachine: ReadMachine;
  readonly readDiskSpace: (folder: string) => Promise<DiskSpace>;
  /** Posts to any address: a person named it. */
  readonly post: Post;
  /** Proves that the audio store can be written and read, asking once. @throws TalebackError */
  readonly checkStore: (signal: AbortSignal) => Promise<void>;
  /** Where callbacks are given up into. */
  readonly records: RecordLibrary;
  /** Asks Pub/Sub for the subscription; gives a line about it. @throws TalebackError */
  readonly checkSubscription: (signal: AbortSignal) => Promise<string>;
  /** Programs that configured engines need. */
  readonly programs: readonly ProgramCheckOptions[];
}

/** A diagnosis ends before its check does, so that its words come through. */
const SHARE_OF_TIME = 0.9;

const folderChecks = ({ audio, callbacks }: WorkerConfig, read: DoctorTools['readDiskSpace']): Check[] => [
  diskCheck({ name: 'disk of audio', folder: audio.folder, read }),
  diskCheck({ name: 'disk of outbox', folder: callbacks.outbox.folder, read }),
];

/** Everything that the doctor looks at. */
export const doctorChecks = (wish: CheckWish, tools: DoctorTools): readonly Check[] => {
  const { config, environment } = wish;
  const { network } = tools;
  const timeoutMs = wish.timeoutMs * SHARE_OF_TIME;
  const url = workerUrl(config.health);
  const worker = url === undefined ? undefined : createWorkerClient(url);
  const { records, checkStore } = tools;
  const countFailed = (signal: AbortSignal): Promise<number> =>
    withDeadline(async (inner) => (await failedKeys(records, inner)).length, timeoutMs, { signal });
  return [
    ...engineChecks(tools.engines, {
      network,
      voiceId: wish.voiceId,
      isAtWork: async (engine, signal) => (await worker?.enginesAtWork(signal))?.includes(engine) ?? false,
      timeoutMs,
    }),
    breakerCheck(async (signal) => worker?.breakers(signal)),
    credentialsCheck('callbacks', async () => callbackCredentials(config)),
    receiverCheck({
      network,
      baseUrl: wish.receiverUrl,
      post: signedPost(config, tools.post),
      timeoutMs,
    }),
    outboxCheck((signal) =>
      readOutbox(config.callbacks.outbox.folder, () => countFailed(signal), Date.now()),
    ),
    credentialsCheck('jobs', () => jobCredentials(config, environment)),
    placeCheck({
      name: 'Pub/Sub',
      group: 'jobs',
      network,
      place: pubsubPlace(config, environment),
      health: tools.checkSubscription,
      timeoutMs,
    }),
    placeCheck({ name: 'Firestore', group: 'jobs', network, place: firestorePlace(environment), timeoutMs }),
    storageCheck({
      network,
      place: records.place,
      url: storeUrl(config.storage),
      check: checkStore,
      timeoutMs,
    }),
    ...folderChecks(config, tools.readDiskSpace),
    machineCheck(tools.readMachine, config.protection.options.thresholds),
    ...tools.programs.map(programCheck),
  ];
};
