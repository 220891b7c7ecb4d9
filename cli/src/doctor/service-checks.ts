import { isTalebackError, type TalebackError } from '@taleback/core';
import { tryWithDeadline } from '@taleback/resilience';
import { diagnose, type NetworkProbe } from '@taleback/speech/diagnosis';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Environment } from '../options.node.ts';
import type { Check, CheckGroup, Finding } from './examine.ts';

/** Where a service is, or why it is not asked. */
type Place = { readonly url: string } | { readonly skipped: string };

/** Where Pub/Sub is: its emulator, else Google's. */
export const pubsubPlace = ({ source }: WorkerConfig, environment: Environment): Place => {
  if (source.kind !== 'pubsub') return { skipped: `Jobs come from ${source.kind}.` };
  const emulator = environment['PUBSUB_EMULATOR_HOST'];
  return { url: emulator ? `http://${emulator}` : 'https://pubsub.googleapis.com' };
};

/** Where Firestore is: its emulator, else Google's. The worker itself does not need it. */
export const firestorePlace = (environment: Environment): Place => {
  const emulator = environment['FIRESTORE_EMULATOR_HOST'];
  if (emulator) return { url: `http://${emulator}` };
  return environment['GOOGLE_CLOUD_PROJECT'] || environment['GCLOUD_PROJECT']
    ? { url: 'https://firestore.googleapis.com' }
    : { skipped: 'No project is named, and the worker itself needs none of it.' };
};

export interface PlaceCheckOptions {
  readonly name: string;
  readonly group: CheckGroup;
  readonly network: NetworkProbe;
  readonly place: Place;
  /** Asked once it is reached; resolves with a line about it. @throws TalebackError */
  readonly health?: ((signal: AbortSignal) => Promise<string>) | undefined;
  readonly timeoutMs: number;
}

/** A service that the worker depends on: whether it is reached, over TLS where it has that. */
export const placeCheck = ({ name, group, network, place, health, timeoutMs }: PlaceCheckOptions): Check => ({
  name,
  group,
  run: async (signal) => {
    if ('skipped' in place) return { status: 'skipped', summary: place.skipped };
    const diagnosis = await diagnose(place.url, { network, health }, { timeoutMs, signal });
    const { ok, code, summary, details, suggestions, target, steps } = diagnosis;
    if (!ok) return { status: 'failed', code, summary, details, suggestions };
    const words = health === undefined ? 'is reached' : (steps.at(-1)?.words ?? '');
    return { status: 'ok', summary: `${target}: ${words}.` };
  },
});

/** Where the audio store is reached; undefined for a folder. */
export const storeUrl = (storage: WorkerConfig['storage']): string | undefined => {
  if (storage.kind === 'folder') return undefined;
  if (storage.kind === 'gcs') return storage.endpoint ?? 'https://storage.googleapis.com';
  const { endpoint, addressing, bucket } = storage;
  return addressing === 'path' ? endpoint : endpoint.replace(/^(https?:\/\/)/, `$1${bucket}.`);
};

export interface StorageCheckOptions {
  readonly network: NetworkProbe;
  /** What people call it, such as `the bucket tales at https://s3.example`. */
  readonly place: string;
  /** Where it is reached; undefined for a folder. */
  readonly url: string | undefined;
  /** Proves that it can be written and read, asking once. @throws TalebackError */
  readonly check: (signal: AbortSignal) => Promise<void>;
  /** Time for it all, ms: less than the check has, so that its words come through. */
  readonly timeoutMs: number;
}

const named = (place: string, words: string): string =>
  `${place.charAt(0).toUpperCase()}${place.slice(1)}${words}`;

const isWell = (place: string): Finding => ({
  status: 'ok',
  summary: named(place, ' can be written and read.'),
});

const examineFolder = async (
  { place, check, timeoutMs }: StorageCheckOptions,
  signal: AbortSignal,
): Promise<Finding> => {
  const outcome = await tryWithDeadline((inner) => check(inner), timeoutMs, { signal });
  if (outcome.kind === 'completed') return isWell(place);
  return {
    status: 'failed',
    code: 'timed_out',
    summary: named(place, ` did not answer within ${timeoutMs / 1000} s.`),
    suggestions: ['Look at the disk, or at the server of the network folder'],
  };
};

const examineBucket = async (
  { network, place, check, timeoutMs }: StorageCheckOptions,
  url: string,
  signal: AbortSignal,
): Promise<Finding> => {
  let refusal: TalebackError | undefined;
  const health = async (inner: AbortSignal): Promise<string> => {
    try {
      await check(inner);
      return '';
    } catch (error) {
      if (isTalebackError(error)) refusal = error;
      throw error;
    }
  };
  const diagnosis = await diagnose(url, { network, health }, { timeoutMs, signal });
  const { ok, code, trouble, details, suggestions } = diagnosis;
  if (ok) return isWell(place);
  // What it says itself is closer than that it says something.
  const isOwnWord = trouble === 'service' && refusal !== undefined;
  const words = isOwnWord ? `${refusal?.message ?? ''}.` : diagnosis.summary;
  return { status: 'failed', code, summary: named(place, `: ${words}`), details, suggestions };
};

/** The audio store: whether it is reached, takes our key, and can be written and read. */
export const storageCheck = (options: StorageCheckOptions): Check => ({
  name: 'audio store',
  group: 'storage',
  run: (signal) =>
    options.url === undefined ? examineFolder(options, signal) : examineBucket(options, options.url, signal),
});
