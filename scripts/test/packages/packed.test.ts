import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Simulator } from '../../../packages/runpod-worker/test/simulator.ts';
import { buildPackages, PUBLISHED } from '../../src/build/packages.ts';
import { inRoot } from '../../src/paths.ts';
import { readmeBlock } from './examples.ts';
import { type Ended, runProgram } from './run-code.ts';

/** What nobody who installs a package needs. */
const NOT_SHIPPED = /\.test\.|^test\/|^examples\/|fixture|conformance|(^|\/)(fake|staged)-|tsconfig/;
const MUST_SHIP = ['LICENSE', 'README.md', 'package.json'];

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** A folder outside the project, where nothing is found but what was installed. */
const folder = await mkdtemp(join(tmpdir(), 'taleback-packed-'));
let packed: readonly Packed[];

const npm = async (args: readonly string[], cwd: string): Promise<string> => {
  const ended = await runProgram('npm', args, { cwd, timeoutMs: 300_000 });
  if (ended.code !== 0) throw new Error(`npm ${args[0]}: ${ended.output}`);
  return ended.output;
};

/** Writes a code block as a file of the folder, and returns its name. */
const writeExample = async (packageFolder: string, languages: readonly string[]): Promise<string> => {
  const block = readmeBlock(await readFile(inRoot(packageFolder, 'README.md'), 'utf8'), languages);
  if (block === undefined) throw new Error(`${packageFolder}/README.md has no example`);
  const file = `${packageFolder.replace('/', '-')}.${block.language}`;
  await writeFile(join(folder, file), block.code);
  return file;
};

const runExample = async (packageFolder: string): Promise<Ended> => {
  const file = await writeExample(packageFolder, ['ts', 'js']);
  return runProgram(process.execPath, [file], { cwd: folder, timeoutMs: 300_000 });
};

beforeAll(async () => {
  await buildPackages();
  const workspaces = PUBLISHED.flatMap(({ name }) => ['--workspace', name]);
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...workspaces];
  const output = await npm([...args, '--loglevel=error'], inRoot());
  const parsed = JSON.parse(output.slice(output.indexOf('['))) as readonly Packed[];
  packed = parsed;
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await npm(['install', ...flags, ...packed.map(({ filename }) => `./${filename}`)], folder);
}, 600_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(PUBLISHED)('$name', ({ name }) => {
  it('contains what it needs and no test', () => {
    const paths = packed.find((entry) => entry.name === name)?.files.map(({ path }) => path) ?? [];
    expect(MUST_SHIP.filter((path) => !paths.includes(path))).toEqual([]);
    expect(paths.some((path) => path.startsWith('dist/') && path.endsWith('.js'))).toBe(true);
    expect(paths.filter((path) => NOT_SHIPPED.test(path))).toEqual([]);
  });

  it('depends on nothing private', async () => {
    const manifest = JSON.parse(
      await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8'),
    ) as { readonly dependencies?: Readonly<Record<string, string>> };
    const ours = Object.keys(manifest.dependencies ?? {}).filter((other) => other.startsWith('@taleback/'));
    expect(ours.filter((other) => !PUBLISHED.some((published) => published.name === other))).toEqual([]);
  });
});

/** As the goal is, or as long as so many starts of Node take here: a loaded machine is slower. */
const SERVED_WITHIN_MS = 10_000;
const SERVED_WITHIN_STARTS = 100;

it('runpod-worker: serves a job within 10 seconds of its installation', async () => {
  const file = await writeExample('packages/runpod-worker', ['ts', 'js']);
  const simulator = await new Simulator().open();
  const beganAt = performance.now();
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...simulator.env() },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    simulator.hand({ id: 'j1', input: { text: 'hello', prompt: 'hello', name: 'hello' } });
    await expect.poll(() => simulator.resultOf('j1'), { timeout: 120_000, interval: 10 }).toBeDefined();
    const tookMs = performance.now() - beganAt;
    expect(simulator.resultOf('j1')).toHaveProperty('output');
    expect(simulator.violations).toEqual([]);
    process.stdout.write(`runpod-worker: ${Math.round(tookMs)} ms from start to a served job\n`);
    const startedAt = performance.now();
    await runProgram(process.execPath, ['-e', ''], { cwd: folder, timeoutMs: 120_000 });
    const startMs = performance.now() - startedAt;
    expect(tookMs).toBeLessThan(Math.max(SERVED_WITHIN_MS, SERVED_WITHIN_STARTS * startMs));
  } finally {
    child.kill('SIGKILL');
    await simulator.close();
  }
});

it.each(PUBLISHED.filter(({ folder: of }) => of !== 'cli' && of !== 'packages/runpod-worker'))(
  '$name: runs the example of its README',
  async ({ folder: packageFolder }) => {
    const { code, output } = await runExample(packageFolder);
    expect(code, output).toBe(0);
  },
);

it('@taleback/cli: runs the commands of its README', async () => {
  const file = await writeExample('cli', ['sh', 'bash']);
  const script = (await readFile(join(folder, file), 'utf8'))
    .split('\n')
    .filter((line) => !/^\s*npm (i|install|exec|init)\b/.test(line))
    .map((line) => line.replace(/\bnpx (-y |--yes )?(@taleback\/cli|taleback)\b/, 'taleback'))
    .join('\n');
  expect(script).toContain('taleback ');
  const ended = await runProgram('sh', ['-euc', script], {
    cwd: folder,
    env: { PATH: [join(folder, 'node_modules/.bin'), process.env['PATH']].join(delimiter) },
    timeoutMs: 120_000,
  });
  expect(ended.code, ended.output).toBe(0);
});

it('every example of a README compiles against the installed types', async () => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts'));
  const config = {
    compilerOptions: {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [inRoot('node_modules/@types')],
    },
    files,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = inRoot('node_modules/typescript-7/bin/tsc');
  const ended = await runProgram(process.execPath, [compiler, '-p', folder], {
    cwd: folder,
    timeoutMs: 120_000,
  });
  expect(ended.output).toBe('');
});
