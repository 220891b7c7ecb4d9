import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { inRoot } from '../paths.ts';

const exec = promisify(execFile);

/** The published packages, each after those that it imports. */
export const PUBLISHED = [
  { name: '@taleback/core', folder: 'packages/core' },
  { name: '@taleback/resilience', folder: 'packages/resilience' },
  { name: '@taleback/outbox', folder: 'packages/outbox' },
  { name: '@taleback/runpod-worker', folder: 'packages/runpod-worker' },
  { name: '@taleback/speech', folder: 'packages/speech' },
  { name: '@taleback/cli', folder: 'cli' },
] as const;

export type PublishedPackage = (typeof PUBLISHED)[number];

/** Workspaces that are not published; the command line contains the parts of them that it uses. */
const PRIVATE = ['@taleback/worker', '@taleback/handler'];

/** JavaScript and declarations by the TypeScript compiler, one file for each source. */
const compile = async (folder: string): Promise<void> => {
  const compiler = inRoot('node_modules/typescript-7/bin/tsc');
  const project = inRoot(folder, 'tsconfig.build.json');
  try {
    await exec(process.execPath, [compiler, '--project', project, '--pretty', 'false'], { cwd: inRoot() });
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    throw new Error(`${folder} does not build:\n${stdout}`, { cause: error });
  }
};

const privateOnly: Plugin = {
  name: 'private-only',
  setup: (bundle) =>
    bundle.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || PRIVATE.some((name) => path.startsWith(name))
        ? undefined
        : { path, external: true },
    ),
};

/** Contains the private workspaces that the command line uses; published packages and those of npm stay imports. */
const bundleCli = async (): Promise<void> => {
  const { dependencies } = JSON.parse(await readFile(inRoot('cli/package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>;
  };
  const { metafile } = await build({
    entryPoints: [inRoot('cli/src/cli.ts')],
    outdir: inRoot('cli/dist'),
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node22',
    conditions: ['@taleback/source'],
    format: 'esm',
    plugins: [privateOnly],
    metafile: true,
    logLevel: 'warning',
  });
  const imported = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path }) => path))
    .filter((path) => !isBuiltin(path))
    .map((path) =>
      path
        .split('/')
        .slice(0, path.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  const missing = [...new Set(imported)].filter((name) => !Object.hasOwn(dependencies, name));
  if (missing.length > 0) throw new Error(`cli/package.json lacks dependencies: ${missing.join(', ')}`);
};

/** Builds every published package into its `dist`. */
export const buildPackages = async (): Promise<void> => {
  await Promise.all(
    PUBLISHED.map(({ folder }) => rm(inRoot(folder, 'dist'), { recursive: true, force: true })),
  );
  for (const { folder } of PUBLISHED) await (folder === 'cli' ? bundleCli() : compile(folder));
};
