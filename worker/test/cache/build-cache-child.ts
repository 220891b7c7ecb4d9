import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const WORKER = new URL('../../', import.meta.url);

export interface BuiltChild {
  readonly file: string;
  remove(): Promise<void>;
}

/** Bundles one of the children beside this file, within the workspace, where packages are found. */
export const buildCacheChild = async (entry: string): Promise<BuiltChild> => {
  const folder = join(fileURLToPath(new URL('dist/', WORKER)), `test-cache-${crypto.randomUUID()}`);
  const file = join(folder, 'child.js');
  await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
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
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
};
