import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
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
      ...more,
      'index.js',
      'package.json',
    ]);
    const { functions } = JSON.parse(await readFile(inRoot('firebase.json'), 'utf8')) as {
      functions: readonly { readonly ignore: readonly string[] }[];
    };
    for (const { ignore } of functions) expect(ignore).toContain('*.local');
  },
);
