import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { build as buildWithVite } from 'vite';
import { inRoot } from '../paths.ts';

/** Installed where the functions run, instead of bundled: they load files of their own at run time. */
const EXTERNAL = ['firebase-admin', 'firebase-functions', '@google-cloud/pubsub', 'undici'] as const;

/** The newest runtime of Cloud Functions that the packages are tested on. */
const DEPLOYED_NODE = '24';

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

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

/**
 * Bundles the functions, with a package.json of their own, into a folder that is emptied first: a deployment uploads
 * one folder and installs it without knowing of our workspaces.
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
  const manifest = JSON.parse(await readFile(inRoot('functions/package.json'), 'utf8')) as Manifest;
  const deployed = {
    name: 'taleback-functions',
    version: manifest.version,
    private: true,
    type: 'module',
    main: 'index.js',
    engines: { node: DEPLOYED_NODE },
    dependencies: Object.fromEntries(EXTERNAL.map((name) => [name, manifest.dependencies[name]])),
  };
  await copyEnvironment(folders);
  await writeFile(join(target, 'package.json'), `${JSON.stringify(deployed, null, 2)}\n`);
};

/** Builds the page into web/dist. */
export const buildWeb = async (): Promise<void> => {
  await buildWithVite({ root: inRoot('web'), logLevel: 'warn' });
};
