import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { inRoot } from '../paths.ts';

const ENTRIES = {
  main: 'worker/src/main.ts',
  batch: 'worker/src/batch-main.ts',
  supervisor: 'worker/src/supervisor.ts',
  'flite-child': 'worker/src/child/flite-child.ts',
  'flite-thread': 'worker/src/engines/flite/flite-thread.ts',
  'mp3-thread': 'worker/src/audio/mp3-thread.ts',
};

const DIST = inRoot('worker/dist');

const OPTIONS = {
  absWorkingDir: inRoot(),
  outdir: DIST,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'linked',
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
  logLevel: 'warning',
} satisfies BuildOptions;

/** The chunks of the last build, whose names hold what was in them. */
const removeChunks = async (): Promise<void> => {
  const files = existsSync(DIST) ? await readdir(DIST) : [];
  const chunks = files.filter((file) => file.startsWith('cli-'));
  await Promise.all(chunks.map((file) => rm(join(DIST, file), { force: true })));
};

/** Bundles the worker, its command line and the files of its threads into worker/dist; packages stay where npm put them. */
export const buildWorker = async (): Promise<void> => {
  await removeChunks();
  await Promise.all([
    build({ ...OPTIONS, entryPoints: ENTRIES }),
    // In parts, so that `taleback --help` loads only its own.
    build({
      ...OPTIONS,
      entryPoints: { cli: 'worker/src/cli.ts' },
      splitting: true,
      chunkNames: 'cli-[name]-[hash]',
    }),
  ]);
};
