import { glob, mkdir, readFile, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { buildFunctions, buildWeb } from './build/deployed.ts';
import { sentenceOf } from './command-line.ts';
import { startStores } from './emulators/stores.ts';
import { inRoot } from './paths.ts';
import { runProgram } from './process/run-program.ts';

const USAGE = `Runs tests, and ends with one line of counts.

  npm test                     unit, page, emulators, end to end, two storms
  npm test -- FILE...          the files whose path contains one of these words; what they need is built
  npm test -- --project NAME   one of unit, web, emulators, alone, packages, e2e
  npm run test:unit            unit and page
  npm run test:all             everything, with ten storms and larger sizes

Other options are those of vitest run.
`;

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const OWN_OPTIONS = ['--unit', '--all', '--help'];
const args = process.argv.slice(2);
const rest = args.filter((arg) => !OWN_OPTIONS.includes(arg));
if (args.includes('--unit')) rest.push('--project=unit', '--project=web');
const { values, positionals: words } = parseArgs({
  args: rest,
  strict: false,
  options: {
    project: { type: 'string', multiple: true },
    testNamePattern: { type: 'string', short: 't' },
  },
});
const projects = values.project?.map(String) ?? [];

/** The project that a test file belongs to, as vitest.config.ts has it. */
const projectOf = (file: string): string => {
  if (file.startsWith('e2e/')) return 'e2e';
  if (file.startsWith('web/')) return 'web';
  if (file.startsWith('scripts/test/packages/')) return 'packages';
  if (file.endsWith('/survival.test.ts')) return 'alone';
  return file.includes('/test/') ? 'emulators' : 'unit';
};

/** The projects that will run. */
const selectProjects = async (): Promise<ReadonlySet<string>> => {
  const selected = new Set<string>();
  const rooms = '{packages/*,functions,worker,cli,web,scripts,bench,e2e}/{src,test}';
  for await (const file of glob(`${rooms}/**/*.test.{ts,tsx}`, { cwd: inRoot() })) {
    const project = projectOf(file);
    const isNamed = words.length === 0 || words.some((word) => inRoot(file).includes(word));
    if (isNamed && (projects.length === 0 || projects.includes(project))) selected.add(project);
  }
  return selected;
};

/** Tests that were not run, such as those of a missing program, as one line. */
const skippedLine = ({ testResults }: Report): string => {
  const files = testResults.flatMap(({ name, assertionResults }) => {
    const skipped = assertionResults.filter(({ status }) => status === 'skipped' || status === 'pending');
    return skipped.length === 0 ? [] : [`${name.slice(inRoot().length + 1)} (${skipped.length})`];
  });
  if (files.length === 0) return '';
  const espeak = files.some((file) => /espeak|python/.test(file)) ? ' Some need espeak-ng.' : '';
  return `Not run: ${files.join(', ')}.${espeak}\n`;
};

const runTests = async (): Promise<number> => {
  const selected = await selectProjects();
  if (selected.size === 0) {
    process.stderr.write(`No test file has ${words.join(' or ') || 'that project'} in its path.\n`);
    return 2;
  }
  const folder = inRoot('.taleback', `test-${process.pid}`);
  const resultFile = `${folder}/results.json`;
  await mkdir(folder, { recursive: true });
  if (args.includes('--all')) process.env['TEST_SIZE'] = 'all';
  if (selected.has('e2e')) await Promise.all([buildFunctions(), buildWeb()]);
  // One pair of emulators for all groups, which find them in the environment.
  const needsStores = selected.has('emulators') || selected.has('e2e');
  const stores = needsStores ? await startStores(folder) : undefined;
  try {
    const vitest = [process.execPath, inRoot('node_modules/vitest/vitest.mjs'), 'run'];
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`];
    const { code } = await runProgram([...vitest, ...reporters, ...rest], { output: 'inherit' });
    const report = JSON.parse(await readFile(resultFile, 'utf8')) as Report;
    // A file that could not even be loaded has no failed test of its own.
    const isFaulty = code !== 0 || report.numFailedTestSuites > 0;
    const failed = Math.max(report.numFailedTests, Number(isFaulty));
    process.stdout.write(`\n${skippedLine(report)}${report.numPassedTests} passed, ${failed} failed\n`);
    return failed === 0 && report.numPassedTests > 0 ? 0 : 1;
  } finally {
    await stores?.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

try {
  if (args.includes('--help')) process.stdout.write(USAGE);
  else process.exitCode = await runTests();
} catch (error) {
  process.stderr.write(`${sentenceOf(error)}\n`);
  process.exitCode = 1;
}
