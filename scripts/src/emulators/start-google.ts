import { type Supervised, startSupervised } from '../process/index.ts';

export interface JavaEmulatorOptions {
  /** The jar or program of the Google Cloud CLI. */
  readonly file: string;
  readonly port: number;
  readonly projectId: string;
  readonly cwd: string;
  readonly logFile: string;
}

const READY_WITHIN_MS = 60_000;

/** Starts Google's Firestore emulator with the project's rules. Its jar names no main class, so it is named here. */
export const startFirestore = (
  options: JavaEmulatorOptions & { readonly rulesFile: string },
): Promise<Supervised> =>
  startSupervised({
    name: 'Firestore emulator',
    command: 'java',
    args: [
      '-cp',
      options.file,
      'com.google.cloud.datastore.emulator.firestore.CloudFirestore',
      '--host',
      '127.0.0.1',
      '--port',
      String(options.port),
      '--rules',
      options.rulesFile,
      '--project_id',
      options.projectId,
    ],
    cwd: options.cwd,
    env: process.env,
    logFile: options.logFile,
    readyWhen: /Dev App Server is now running|Datastore Emulator is now running|is now running/,
    readyWithinMs: READY_WITHIN_MS,
  });

/** Starts Google's Pub/Sub emulator by itself, where no Firebase CLI runs it. */
export const startPubsub = (options: JavaEmulatorOptions): Promise<Supervised> =>
  startSupervised({
    name: 'Pub/Sub emulator',
    command: options.file,
    args: ['--host=127.0.0.1', `--port=${options.port}`],
    cwd: options.cwd,
    env: process.env,
    logFile: options.logFile,
    readyWhen: /Server started, listening on/,
    readyWithinMs: READY_WITHIN_MS,
  });
