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

/** Where the Google Cloud CLI is: two folders above its program. Asking the program itself takes seconds. */
const findGcloud = (path: string): string | undefined => {
  const program = path
    .split(delimiter)
    .map((folder) => join(folder, 'gcloud'))
    .find((file) => existsSync(file));
  return program === undefined ? undefined : dirname(dirname(realpathSync(program)));
};

/** Major version of the Java on the PATH, 0 when there is none. It prints it on its error output. */
const javaVersion = (): number => {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
};

/** Finds the Firestore and Pub/Sub emulators. @throws Error, in one sentence, that says what to install */
export const findEmulators = (
  env: NodeJS.ProcessEnv,
): { readonly firestore: EmulatorOrigin; readonly pubsub: EmulatorOrigin } => {
  const gcloud = findGcloud(env['PATH'] ?? '');
  const find = (host: string | undefined, program: string): EmulatorOrigin => {
    if (host) return { kind: 'running', host };
    const file = join(gcloud ?? '', 'platform', program);
    return gcloud !== undefined && existsSync(file) ? { kind: 'gcloud', file } : { kind: 'firebase-tools' };
  };
  const found = {
    firestore: find(env['FIRESTORE_EMULATOR_HOST'], 'cloud-firestore-emulator/cloud-firestore-emulator.jar'),
    pubsub: find(env['PUBSUB_EMULATOR_HOST'], 'pubsub-emulator/bin/cloud-pubsub-emulator'),
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
