#!/usr/bin/env node
// In an installed package the built command line; in a clone its sources, run as every script of the repository is.
import { existsSync } from 'node:fs';

const runner = new URL('../../scripts/run.mjs', import.meta.url);
if (existsSync(runner)) {
  process.env.INIT_CWD = process.cwd();
  process.argv.splice(2, 0, 'taleback');
  await import(runner.href);
} else await import('../dist/cli.js');
