import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const WORKER = new URL('../../', import.meta.url);

export interface BuiltCli {
  readonly file: string;
  remove(): Promise<void>;
}

const ENTRIES = {
  cli: 'src/cli.ts',
  'flite-child': 'src/child/flite-child.ts',
  'flite-thread': 'src/engines/flite/flite-thread.ts',
  'mp3-thread': 'src/audio/mp3-thread.ts',
};

/** Bundles the command line as the product's build does, and what it starts, in a folder of its own. */
export const buildCli = async (): Promise<BuiltCli> => {
  const folder = join(fileURLToPath(new URL('dist/', WORKER)), `test-cli-${crypto.randomUUID()}`);
  await build({
    entryPoints: ENTRIES,
    absWorkingDir: fileURLToPath(WORKER),
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    chunkNames: 'cli-[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    plugins: [
      {
        name: 'packages-stay-outside',
        setup: (context) => {
          context.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || path.startsWith('@taleback/') ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  await copyFile(new URL('package.json', WORKER), join(folder, 'package.json'));
  return { file: join(folder, 'dist/cli.js'), remove: () => rm(folder, { recursive: true, force: true }) };
};
