#!/usr/bin/env node
// In an installed package the built command line; in a clone its sources, run as every script of the repository is.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/cli.js', import.meta.url);
const runner = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));

if (existsSync(runner)) {
  process.env.INIT_CWD = process.cwd();
  process.argv.splice(2, 0, 'taleback');
  await import(new URL('../../scripts/run.mjs', import.meta.url).href);
} else await import(built.href);
