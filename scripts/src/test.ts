import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { buildFunctions } from './build/functions.ts';
import { buildWeb } from './build/web.ts';
import { inRoot } from './paths.ts';
import { installEspeak } from './programs/install-espeak.ts';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

/** Runs every test, or those that the arguments name as for vitest, and ends with one line of counts. */
const runTests = async (args: readonly string[]): Promise<number> => {
  const missing = installEspeak();
  if (missing !== undefined) process.stderr.write(`${missing}\n`);
  await Promise.all([buildFunctions(), buildWeb()]);
  const resultFile = inRoot('.taleback', 'test-results.json');
  await mkdir(inRoot('.taleback'), { recursive: true });
  await rm(resultFile, { force: true });
  const vitest = spawn(
    process.execPath,
    [
      inRoot('node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${resultFile}`,
      ...args,
    ],
    { cwd: inRoot(), stdio: ['ignore', 'inherit', 'inherit'] },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => vitest.kill(signal));
  const [code] = (await once(vitest, 'close')) as [number | null];
  const report = JSON.parse(await readFile(resultFile, 'utf8')) as Report;
  // A file that could not even be loaded has no failed test of its own.
  const failed = Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0, code === 0 ? 0 : 1);
  const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
  process.stdout.write(`\n${report.numPassedTests} passed, ${failed} failed${skipped}\n`);
  return failed === 0 && report.numPassedTests > 0 ? 0 : 1;
};

process.exitCode = await runTests(process.argv.slice(2));
