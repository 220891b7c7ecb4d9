import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
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

/** The operator's `functions/.env` and `functions/.env.<project>` go with the deployed folder. */
const copyEnvironment = async (): Promise<void> => {
  const files = (await readdir(inRoot('functions'))).filter((file) => /^\.env(\.[\w-]+)?$/.test(file));
  await Promise.all(files.map((file) => copyFile(inRoot('functions', file), inRoot('functions/dist', file))));
};

/**
 * Bundles the functions into functions/dist with a package.json of their own, because a deployment uploads one
 * folder and installs it without knowing of our workspaces.
 */
export const buildFunctions = async (): Promise<void> => {
  await build({
    entryPoints: [inRoot('functions/src/index.ts')],
    outfile: inRoot('functions/dist/index.js'),
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
  await copyEnvironment();
  await writeFile(inRoot('functions/dist/package.json'), `${JSON.stringify(deployed, null, 2)}\n`);
};

/** Builds the page into web/dist. */
export const buildWeb = async (): Promise<void> => {
  await buildWithVite({ root: inRoot('web'), logLevel: 'warn' });
};
