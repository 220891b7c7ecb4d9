import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const WORKER = new URL('../', import.meta.url);
const DIST = new URL('dist/', WORKER);

const ENTRIES = [
  'src/child/flite-child.ts',
  'src/engines/flite/flite-thread.ts',
  'src/audio/mp3-thread.ts',
  'test/children/staged-child.ts',
];

export interface BuiltThreads {
  readonly fliteChildFile: URL;
  /** A child with an engine that does what the text says; see staged-child.ts. */
  readonly stagedChildFile: URL;
  readonly speechThreadFile: URL;
  readonly mp3ThreadFile: URL;
}

/**
 * Bundles the thread entries as the product's build does: packages stay outside, our own workspaces go in. Several
 * test files may call it at once: each file is written under a name of its own and then renamed.
 */
export const buildThreads = async (): Promise<BuiltThreads> => {
  const { outputFiles } = await build({
    entryPoints: ENTRIES.map((entry) => fileURLToPath(new URL(entry, WORKER))),
    outdir: fileURLToPath(DIST),
    entryNames: '[name]',
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    alias: {
      '@taleback/core': fileURLToPath(new URL('../core/src/index.ts', WORKER)),
      '@taleback/resilience': fileURLToPath(new URL('../resilience/src/index.ts', WORKER)),
    },
  });
  await mkdir(DIST, { recursive: true });
  for (const { path, contents } of outputFiles) {
    const draft = `${path}.${crypto.randomUUID()}.tmp`;
    await writeFile(draft, contents);
    await rename(draft, path);
  }
  const built = new Set(outputFiles.map(({ path }) => basename(path)));
  const fileOf = (name: string): URL => {
    if (!built.has(name)) throw new Error(`${name} was not built`);
    return new URL(name, DIST);
  };
  return {
    fliteChildFile: fileOf('flite-child.js'),
    stagedChildFile: fileOf('staged-child.js'),
    speechThreadFile: fileOf('flite-thread.js'),
    mp3ThreadFile: fileOf('mp3-thread.js'),
  };
};
