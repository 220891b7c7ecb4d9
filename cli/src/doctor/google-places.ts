import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Environment } from '../cli-ports.ts';

type Place = { readonly url: string } | { readonly skipped: string };

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

/** The project that Google's clients take from the environment. */
export const projectOf = (environment: Environment): string | undefined =>
  [environment['GOOGLE_CLOUD_PROJECT'], environment['GCLOUD_PROJECT']].find(isSet);

/** Where Pub/Sub is: its emulator, else Google's. */
export const pubsubPlace = ({ source }: WorkerConfig, environment: Environment): Place => {
  if (source.kind !== 'pubsub') return { skipped: `Jobs come from ${source.kind}.` };
  const emulator = environment['PUBSUB_EMULATOR_HOST'];
  return { url: isSet(emulator) ? `http://${emulator}` : 'https://pubsub.googleapis.com' };
};

/** Where Firestore is: its emulator, else Google's. The worker itself has no need of it. */
export const firestorePlace = (environment: Environment): Place => {
  const emulator = environment['FIRESTORE_EMULATOR_HOST'];
  if (isSet(emulator)) return { url: `http://${emulator}` };
  return projectOf(environment) === undefined
    ? { skipped: 'No project is named, and the worker itself needs none of it.' }
    : { url: 'https://firestore.googleapis.com' };
};
