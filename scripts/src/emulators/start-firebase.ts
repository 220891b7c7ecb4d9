import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Supervised, startSupervised } from '../process/supervised.ts';

/** firebase.json, parsed, as far as a run changes it. */
export interface FirebaseJson {
  readonly functions: readonly object[];
  readonly hosting: object;
  readonly firestore: object;
  readonly emulators: Readonly<Record<string, { readonly port?: number } | undefined>>;
}

export const EMULATOR_NAMES = [
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
export type EmulatorPorts = Readonly<Record<(typeof EMULATOR_NAMES)[number], number>>;

export interface FirebaseOptions {
  /** Folder of this run; it holds `functions/` and `public/`, and gets the config file and the log. */
  readonly folder: string;
  readonly config: FirebaseJson;
  readonly ports: EmulatorPorts;
  readonly projectId: string;
  /** Emulators that the Firebase CLI shall start. */
  readonly only: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Auth alone takes 16 s of CPU time, and the two cores may be shared. */
const READY_WITHIN_MS = 240_000;

/** Starts the Firebase CLI's emulators from the project's firebase.json, with this run's ports and folders. */
export const startFirebase = async (options: FirebaseOptions): Promise<Supervised> => {
  const { folder, ports, projectId, only, env } = options;
  const { firestore: _rules, ...config } = options.config;
  const addresses = EMULATOR_NAMES.map((name) => [name, { host: '127.0.0.1', port: ports[name] }]);
  const ofThisRun = {
    ...config,
    functions: config.functions.map((codebase) => ({ ...codebase, source: 'functions', predeploy: [] })),
    hosting: { ...config.hosting, public: 'public', predeploy: [] },
    emulators: { ...Object.fromEntries(addresses), ui: { enabled: false }, singleProjectMode: true },
  };
  const configFile = join(folder, 'firebase.json');
  await writeFile(configFile, JSON.stringify(ofThisRun, null, 2));
  const cli = createRequire(import.meta.url).resolve('firebase-tools/lib/bin/firebase.js');
  const args = ['--project', projectId, '--only', only.join(','), '--config', configFile];
  return startSupervised({
    name: 'Firebase emulators',
    command: [process.execPath, cli, 'emulators:start', ...args],
    folder,
    log: 'firebase',
    env,
    readyWhen: /All emulators ready/,
    readyWithinMs: READY_WITHIN_MS,
  });
};
