import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PUBLISHED } from '../../src/build/packages.ts';
import { inRoot } from '../../src/paths.ts';
import { readExamples, withImports } from './examples.ts';
import { runProgram } from './run-code.ts';

const LIBRARIES = PUBLISHED.filter(({ folder }) => folder !== 'cli');
/** Inside the project, so that packages are found; outside every folder that a tool reads. */
const folderOf = (packageFolder: string): string =>
  inRoot('.tsbuild/examples', packageFolder.replace('/', '-'));

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
}

interface Exported {
  readonly module: string;
  readonly value: unknown;
}

/** What every entry of a package exports. Of a name that stands in two entries, the first. */
const exportedNames = async (packageFolder: string): Promise<ReadonlyMap<string, Exported>> => {
  const manifest = JSON.parse(await readFile(inRoot(packageFolder, 'package.json'), 'utf8')) as Manifest;
  const names = new Map<string, Exported>();
  for (const [entry, target] of Object.entries(manifest.exports)) {
    const source = typeof target === 'string' ? undefined : target['@taleback/source'];
    if (source === undefined) continue;
    const loaded = (await import(inRoot(packageFolder, source))) as Record<string, unknown>;
    for (const [name, value] of Object.entries(loaded)) {
      if (!names.has(name)) names.set(name, { module: `${manifest.name}${entry.slice(1)}`, value });
    }
  }
  return names;
};

/** Writes the examples of a package, one file each, and returns the files. */
const writeExamples = async (packageFolder: string): Promise<string[]> => {
  const folder = folderOf(packageFolder);
  const modules = new Map(
    [...(await exportedNames(packageFolder))].map(([name, { module }]) => [name, module] as const),
  );
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const examples = await readExamples(inRoot(packageFolder));
  const run = examples.filter(({ isRun }) => isRun);
  return Promise.all(
    run.map(async ({ place, code }) => {
      const file = join(folder, `${place.replaceAll(/[^\w.-]/g, '_')}.ts`);
      await writeFile(file, `${withImports(code, modules)}\nexport {};\n`);
      return file;
    }),
  );
};

const isClass = (exported: string): boolean => /^[A-Z]/.test(exported);

describe.each(LIBRARIES)('$name', ({ folder }) => {
  it('has an example for every exported function', async () => {
    const examples = await readExamples(inRoot(folder));
    const shown = examples.map(({ code }) => code).join('\n');
    const functions = [...(await exportedNames(folder))].filter(
      ([exported, { value }]) => typeof value === 'function' && !isClass(exported),
    );
    const missing = functions
      .map(([exported]) => exported)
      .filter((exported) => !new RegExp(`\\b${exported}\\b`).test(shown));
    expect(missing).toEqual([]);
  });

  it('has examples that run', async () => {
    const files = await writeExamples(folder);
    expect(files.length).toBeGreaterThan(0);
    const args = ['--conditions=@taleback/source', '--disable-warning=ExperimentalWarning'];
    const runner = inRoot('scripts/test/packages/run-examples.mjs');
    const ended = await runProgram(process.execPath, [...args, runner, ...files], {
      cwd: folderOf(folder),
      timeoutMs: 240_000,
    });
    expect(ended.code, ended.output).toBe(0);
  });
});

it('has examples that compile', async () => {
  await Promise.all(LIBRARIES.map(({ folder }) => writeExamples(folder)));
  const config = inRoot('.tsbuild/examples/tsconfig.json');
  const compilerOptions = { noEmit: true, noUnusedLocals: false, rootDir: '../..' };
  await writeFile(
    config,
    JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions, include: ['*/*.ts'] }),
  );
  const compiler = inRoot('node_modules/typescript-7/bin/tsc');
  const ended = await runProgram(process.execPath, [compiler, '-p', config, '--pretty', 'false'], {
    cwd: inRoot(),
    timeoutMs: 240_000,
  });
  expect(ended.output).toBe('');
});
