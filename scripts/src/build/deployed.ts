import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { build as buildWithVite } from 'vite';
import { inRoot } from '../paths.ts';
import { cutLock, type LockPackages } from './cut-lock.ts';

/** Installed where the functions run, instead of bundled: they load files of their own at run time. */
const EXTERNAL = ['firebase-admin', 'firebase-functions', 'google-auth-library', 'undici'] as const;

/** The newest runtime of Cloud Functions that the packages are tested on. */
const DEPLOYED_NODE = '24';

/** None of the packages needs its install script. */
const NPMRC = 'ignore-scripts=true\naudit=false\nfund=false\n';

/** Where the functions are built, and where the operator's `.env` files are. */
interface FunctionsFolders {
  readonly target: string;
  readonly environment: string;
}

const FOLDERS: FunctionsFolders = { target: inRoot('functions/dist'), environment: inRoot('functions') };

/**
 * The operator's `.env` and `.env.<project>` go with the deployed folder. `.secret.local` is for the emulators of
 * `firebase emulators:start` only: the Firebase CLI names the folder in `RESOURCE_DIR` where it builds for a deployment.
 */
const copyEnvironment = async ({ target, environment }: FunctionsFolders): Promise<void> => {
  const isDeployment = process.env['RESOURCE_DIR'] !== undefined;
  const isWanted = (file: string): boolean =>
    /^\.env(\.(?!local$)[\w-]+)?$/.test(file) || (file === '.secret.local' && !isDeployment);
  const files = (await readdir(environment)).filter(isWanted);
  await Promise.all(files.map((file) => copyFile(join(environment, file), join(target, file))));
};

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(inRoot(file), 'utf8'));

/**
 * Bundles the functions into a folder that is emptied first, with a package.json and a lock file of their own: a
 * deployment uploads one folder and installs it without our workspaces, at the versions that were tested.
 */
export const buildFunctions = async (folders = FOLDERS): Promise<void> => {
  const { target } = folders;
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await build({
    entryPoints: [inRoot('functions/src/index.ts')],
    outfile: join(target, 'index.js'),
    bundle: true,
    platform: 'node',
    target: `node${DEPLOYED_NODE}`,
    conditions: ['@taleback/source'],
    format: 'esm',
    external: EXTERNAL.flatMap((name) => [name, `${name}/*`]),
    logLevel: 'warning',
  });
  const { version } = (await readJson('functions/package.json')) as { readonly version: string };
  const { packages } = (await readJson('package-lock.json')) as { readonly packages: LockPackages };
  const locked = cutLock(packages, 'functions', EXTERNAL);
  const deployed = {
    name: 'taleback-functions',
    version,
    private: true,
    type: 'module',
    main: 'index.js',
    engines: { node: DEPLOYED_NODE },
    dependencies: Object.fromEntries(EXTERNAL.map((name) => [name, locked[`node_modules/${name}`]?.version])),
  };
  await copyEnvironment(folders);
  const { name, dependencies, engines } = deployed;
  const root = { name, version, dependencies, engines };
  const lock = { name, version, lockfileVersion: 3, requires: true, packages: { '': root, ...locked } };
  await writeFile(join(target, 'package.json'), `${JSON.stringify(deployed, null, 2)}\n`);
  await writeFile(join(target, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
  await writeFile(join(target, '.npmrc'), NPMRC);
};

/** Builds the page into web/dist. */
export const buildWeb = async (): Promise<void> => {
  await buildWithVite({ root: inRoot('web'), logLevel: 'warn' });
};
