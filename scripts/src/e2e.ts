import { pathToFileURL } from 'node:url';
import { inRoot } from './paths.ts';

/** Suites of e2e/src that have a command line of their own. */
const SUITES = ['chaos', 'load', 'siege', 'simulate'];

/**
 * Runs one suite with the arguments that follow its name; without a name, or with options of the tests, the tests of the
 * whole system.
 */
const [suite, ...rest] = process.argv.slice(2);
if (suite === undefined || suite.startsWith('-')) {
  process.argv.splice(2, 0, '--project', 'e2e', '--project', 'alone');
  await import('./test.ts');
} else if (SUITES.includes(suite)) {
  const entry = inRoot('e2e/src', `${suite}.ts`);
  process.argv = [...process.argv.slice(0, 1), entry, ...rest];
  await import(pathToFileURL(entry).href);
} else {
  process.stderr.write(`There is no suite "${suite}", only ${SUITES.join(', ')}.\n`);
  process.exitCode = 2;
}
