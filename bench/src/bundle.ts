import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const SOURCES = new URL('./', import.meta.url);
const DIST = new URL('../dist/', import.meta.url);

const packagesStayOutside: Plugin = {
  name: 'packages-stay-outside',
  setup: (context) => {
    context.onResolve({ filter: /^[^./]/ }, ({ path }) =>
      path.startsWith('@taleback/') ? undefined : { path, external: true },
    );
  },
};

/**
 * Bundles programs of this folder as the product's build does. What TypeScript loaders add to functions, to keep their
 * names, costs a microsecond here and there, which is what some benchmarks measure.
 *
 * @param names of entries, without `.ts`
 * @returns where a bundled program is, by its name
 */
export const bundle = async <Name extends string>(
  names: readonly Name[],
): Promise<(name: Name) => string> => {
  await build({
    entryPoints: names.map((name) => fileURLToPath(new URL(`${name}.ts`, SOURCES))),
    outdir: fileURLToPath(DIST),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    conditions: ['@taleback/source'],
    plugins: [packagesStayOutside],
  });
  return (name) => fileURLToPath(new URL(`${name}.js`, DIST));
};
