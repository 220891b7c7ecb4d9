import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Supervised, startSupervised } from '../process/supervised.ts';

export const PORT_NAMES = [
  'auth',
  'functions',
  'hosting',
  'pubsub',
  'firestore',
  'hub',
  'logging',
  'eventarc',
  'tasks',
] as const;
export type FirebasePorts = Readonly<Record<(typeof PORT_NAMES)[number], number>>;

export interface FirebaseOptions {
  /** Folder of this run; it holds `functions/` and `public/`, and gets the config file. */
  readonly folder: string;
  /** The project's own firebase.json, parsed. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly ports: FirebasePorts;
  readonly projectId: string;
  /** Emulators that the Firebase CLI shall start. */
  readonly only: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** Auth alone takes 16 s of CPU time, and the two cores may be shared. */
const READY_WITHIN_MS = 240_000;

/** Starts the Firebase CLI's emulators from the project's firebase.json, with this run's ports and folders. */
export const startFirebase = async (options: FirebaseOptions): Promise<Supervised> => {
  const configFile = join(options.folder, 'firebase.json');
  const { firestore: _rules, ...config } = options.config;
  const functions = (options.config['functions'] as Record<string, unknown>[]).map((codebase) => ({
    ...codebase,
    source: 'functions',
    predeploy: [],
  }));
  const hosting = {
    ...(options.config['hosting'] as Record<string, unknown>),
    public: 'public',
    predeploy: [],
  };
  const emulators = {
    ...Object.fromEntries(
      Object.entries(options.ports).map(([name, port]) => [name, { host: '127.0.0.1', port }]),
    ),
    ui: { enabled: false },
    singleProjectMode: true,
  };
  await writeFile(configFile, JSON.stringify({ ...config, functions, hosting, emulators }, null, 2));
  const cli = createRequire(import.meta.url).resolve('firebase-tools/lib/bin/firebase.js');
  return startSupervised({
    name: 'Firebase emulators',
    command: process.execPath,
    args: [
      cli,
      'emulators:start',
      '--project',
      options.projectId,
      '--only',
      options.only.join(','),
      '--config',
      configFile,
    ],
    cwd: options.folder,
    env: options.env,
    logFile: options.logFile,
    readyWhen: /All emulators ready/,
    readyWithinMs: READY_WITHIN_MS,
  });
};
