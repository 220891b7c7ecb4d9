import { existsSync } from 'node:fs';
import { build } from 'esbuild';
import { inRoot } from '../paths.ts';

const ENTRIES = {
  main: 'worker/src/main.ts',
  batch: 'worker/src/batch-main.ts',
  supervisor: 'worker/src/supervisor.ts',
  'flite-child': 'worker/src/child/flite-child.ts',
  'flite-thread': 'worker/src/engines/flite/flite-thread.ts',
  'mp3-thread': 'worker/src/audio/mp3-thread.ts',
};

/** Bundles the worker and the files of its threads into worker/dist; packages stay where npm put them. */
export const buildWorker = async (): Promise<void> => {
  await build({
    entryPoints: Object.fromEntries(Object.entries(ENTRIES).filter(([, file]) => existsSync(inRoot(file)))),
    absWorkingDir: inRoot(),
    outdir: inRoot('worker/dist'),
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
  });
};
