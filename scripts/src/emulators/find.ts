import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * Where an emulator comes from: one that runs already, the Google Cloud CLI's (Java 17 will do), or the one that
 * firebase-tools keeps or downloads (Java 21).
 */
export type EmulatorOrigin =
  | { readonly kind: 'running'; readonly host: string }
  | { readonly kind: 'gcloud'; readonly file: string }
  | { readonly kind: 'firebase-tools' };

export interface FoundEmulators {
  readonly firestore: EmulatorOrigin;
  readonly pubsub: EmulatorOrigin;
}

const GCLOUD_FIRESTORE = 'platform/cloud-firestore-emulator/cloud-firestore-emulator.jar';
const GCLOUD_PUBSUB = 'platform/pubsub-emulator/bin/cloud-pubsub-emulator';

const findProgram = (name: string, path: string): string | undefined =>
  path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));

/** Root of the Google Cloud CLI: two folders above its program. Asking the program itself takes seconds. */
const findGcloudRoot = (env: NodeJS.ProcessEnv): string | undefined => {
  const program = findProgram('gcloud', env['PATH'] ?? '');
  return program === undefined ? undefined : dirname(dirname(realpathSync(program)));
};

/** Major version of the Java on the PATH, 0 when there is none. It prints it on its error output. */
const javaVersion = (): number => {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
};

const originOf = (
  runningHost: string | undefined,
  root: string | undefined,
  file: string,
): EmulatorOrigin => {
  if (runningHost) return { kind: 'running', host: runningHost };
  const path = root === undefined ? undefined : join(root, file);
  return path !== undefined && existsSync(path) ? { kind: 'gcloud', file: path } : { kind: 'firebase-tools' };
};

/**
 * Finds the Firestore and Pub/Sub emulators.
 * @throws Error, in one sentence, that says what to install
 */
export const findEmulators = (env: NodeJS.ProcessEnv): FoundEmulators => {
  const root = findGcloudRoot(env);
  const found = {
    firestore: originOf(env['FIRESTORE_EMULATOR_HOST'], root, GCLOUD_FIRESTORE),
    pubsub: originOf(env['PUBSUB_EMULATOR_HOST'], root, GCLOUD_PUBSUB),
  };
  const kinds = [found.firestore.kind, found.pubsub.kind];
  if (kinds.every((kind) => kind === 'running')) return found;
  const java = javaVersion();
  const needed = kinds.includes('firebase-tools') ? 21 : 17;
  if (java >= needed) return found;
  throw new Error(
    needed === 17
      ? 'The emulators need Java 17 or newer: install a JRE, for example the package default-jre-headless.'
      : `The Firestore and Pub/Sub emulators were not found: install Java 21, or the Google Cloud CLI with its components cloud-firestore-emulator and pubsub-emulator (this machine has ${java === 0 ? 'no Java' : `Java ${java}`}).`,
  );
};
