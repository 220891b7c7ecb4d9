#!/usr/bin/env node
// Starts the built command line. Plain JavaScript, because npm links it before anything is built.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/cli.js', import.meta.url);
const runner = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));

if (!existsSync(built) && existsSync(runner)) {
  const build = spawnSync(process.execPath, [runner, 'build', 'worker'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) process.exit(build.status ?? 1);
}
if (existsSync(built)) await import(built.href);
else {
  process.stderr.write('taleback: worker/dist/cli.js is missing; npm run build makes it\n');
  process.exitCode = 2;
}
