import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { inRoot } from './paths.ts';

/**
 * Runs one suite of e2e/src with the arguments that follow its name (`load`, `chaos`); without a name, or with vitest's
 * own options, the tests of the whole system.
 */
const [suite, ...rest] = process.argv.slice(2);
const entry = inRoot('e2e/src', `${suite}.ts`);
if (suite === undefined || suite.startsWith('-')) {
  process.argv.splice(2, 0, '--project', 'e2e');
  await import('./test.ts');
} else if (/^[a-z-]+$/.test(suite) && existsSync(entry)) {
  process.argv = [...process.argv.slice(0, 1), entry, ...rest];
  await import(pathToFileURL(entry).href);
} else {
  process.stderr.write(`There is no suite "${suite}" in e2e/src.\n`);
  process.exitCode = 2;
}
