import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { findPackage, type LockPackages, needsOf } from '../src/build/cut-lock.ts';
import { buildFunctions } from '../src/build/deployed.ts';
import { inRoot } from '../src/paths.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-deployed-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it.each([
  ['a deployment', '/project/functions/dist', []],
  ['the emulators', undefined, ['.secret.local']],
])(
  'the folder for %s is made of what there is now, and no local file is uploaded',
  async (_what, resource, more) => {
    vi.stubEnv('RESOURCE_DIR', resource);
    const target = join(folder, 'dist');
    await mkdir(target);
    await writeFile(join(target, '.env.old'), 'CALLBACK_SIGNATURES=off');
    for (const file of ['.env', '.env.prod', '.env.local', '.secret.local', '.envrc'])
      await writeFile(join(folder, file), '');
    await buildFunctions({ target, environment: folder });
    expect((await readdir(target)).sort()).toEqual([
      '.env',
      '.env.prod',
      '.npmrc',
      ...more,
      'index.js',
      'package-lock.json',
      'package.json',
    ]);
    const { functions } = JSON.parse(await readFile(inRoot('firebase.json'), 'utf8')) as {
      functions: readonly { readonly ignore: readonly string[] }[];
    };
    for (const { ignore } of functions) expect(ignore).toContain('*.local');
  },
);

const readJson = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

const lockedAs = (packages: LockPackages, place = '') => [
  packages[place]?.version,
  packages[place]?.['integrity'],
];

it('what is deployed is locked to the versions and hashes that were tested', async () => {
  const target = join(folder, 'dist');
  await buildFunctions({ target, environment: folder });
  const tested = (await readJson(inRoot('package-lock.json')))['packages'] as LockPackages;
  const deployed = (await readJson(join(target, 'package-lock.json')))['packages'] as LockPackages;
  const { dependencies } = await readJson(join(target, 'package.json'));
  expect(deployed['']?.dependencies).toEqual(dependencies);
  expect(await readFile(join(target, '.npmrc'), 'utf8')).toContain('ignore-scripts=true');
  /** From each pair of folders on, the same package is found for each need. */
  const pairs = [['functions', '']] as [string, string][];
  const seen = new Set<string>();
  for (const [source, at] of pairs) {
    const needs =
      at === ''
        ? Object.keys(dependencies as object).map((name) => [name, true] as const)
        : needsOf(tested[source] ?? {});
    for (const [name, isRequired] of needs) {
      const found = findPackage(tested, source, name);
      const there = findPackage(deployed, at, name);
      if (found === undefined && !isRequired) continue;
      expect([name, ...lockedAs(deployed, there)]).toEqual([name, ...lockedAs(tested, found)]);
      if (seen.size < seen.add(`${found} ${there}`).size) pairs.push([found ?? '', there ?? '']);
    }
  }
  const places = Object.keys(deployed).filter((place) => place !== '');
  expect(new Set([...seen].map((pair) => pair.split(' ')[1]))).toEqual(new Set(places));
  for (const place of places)
    expect([place, deployed[place]]).toEqual([
      place,
      expect.objectContaining({ integrity: expect.stringMatching(/^sha512-/) as string }),
    ]);
});
