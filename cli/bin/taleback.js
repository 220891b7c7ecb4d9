#!/usr/bin/env node
// In an installed package the built command line; in a clone its sources, run as every script of the repository is.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const runner = new URL('../../scripts/run.mjs', import.meta.url);
if (existsSync(runner)) {
  process.env.INIT_CWD = process.cwd();
  process.argv.splice(2, 0, 'taleback');
  await import(runner.href);
} else {
  // Compiled code of the last run: a command starts in two thirds of the time. Without a home there is none.
  const home = process.env.HOME ?? process.env.USERPROFILE;
  if (home !== undefined) enableCompileCache(join(home, '.cache', 'taleback'));
  await import('../dist/cli.js');
}
