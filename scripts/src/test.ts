import { glob, mkdir, readFile, rm } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { buildFunctions, buildWeb } from './build/deployed.ts';
import { parseNumber, runScript, UsageError } from './command-line.ts';
import { startStores } from './emulators/stores.ts';
import { inRoot } from './paths.ts';
import { runProgram } from './process/run-program.ts';

const USAGE = `Runs tests, and ends with one line of counts.

  npm test                     unit, page, emulators, end to end, two storms
  npm test -- FILE...          the files whose path contains one of these words; what they need is built
  npm test -- --project NAME   one of unit, web, emulators, packages, e2e, alone
  npm run test:unit            unit and page
  npm run test:all             everything, with ten storms, larger sizes, and changed numbers and log lines

  -t PATTERN, --bail N, --reporter NAME, -u   as those of vitest run
`;
const FLAG = { type: 'boolean', default: false } as const;
const OPTIONS = {
  unit: FLAG,
  all: FLAG,
  project: { type: 'string', multiple: true },
  testNamePattern: { type: 'string', short: 't' },
  bail: { type: 'string', default: '0' },
  reporter: { type: 'string', multiple: true },
  update: { type: 'boolean', short: 'u', default: false },
} as const;
/** No run has more failures. */
const MAX_BAIL = 1_000_000;

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** The project that a test file belongs to, as vitest.config.ts has it. */
const projectOf = (file: string): string => {
  if (file === 'e2e/src/chaos.test.ts') return 'alone';
  if (file.startsWith('e2e/')) return 'e2e';
  if (file.startsWith('web/')) return 'web';
  if (file.startsWith('scripts/test/packages/')) return 'packages';
  return file.includes('/test/') ? 'emulators' : 'unit';
};

/** The projects that files with one of these words belong to. */
const selectProjects = async (
  words: readonly string[],
  projects: readonly string[],
): Promise<ReadonlySet<string>> => {
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

const failureLine = (name: string, title: string, message = ''): string =>
  `Failed: ${name.slice(inRoot().length + 1)} > ${title}: ${stripVTControlCharacters(message).split('\n', 1)[0]}\n`;

/** A line for each failure, which CI repeats at its end. */
const failureLines = ({ testResults }: Report): string => {
  const lines = testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0 && message !== '') return [failureLine(name, 'loading', message)];
    return failed.map(({ fullName, failureMessages }) => failureLine(name, fullName, failureMessages[0]));
  });
  return lines.join('');
};

await runScript(
  { usage: USAGE, options: OPTIONS, maxArguments: Number.POSITIVE_INFINITY },
  async (flags, words) => {
    const projects = [...(flags.project ?? []), ...(flags.unit ? ['unit', 'web'] : [])];
    const bail = parseNumber('bail', flags.bail, [0, MAX_BAIL]);
    const selected = await selectProjects(words, projects);
    if (selected.size === 0)
      throw new UsageError(`No test file has ${words.join(' or ') || projects.join(' or ')} in its path`);
    const folder = inRoot('.taleback', `test-${process.pid}`);
    const resultFile = `${folder}/results.json`;
    await mkdir(folder, { recursive: true });
    if (flags.all) process.env['TEST_SIZE'] = 'all';
    if (selected.has('e2e')) await Promise.all([buildFunctions(), buildWeb()]);
    // One pair of emulators for all groups, which find them in the environment.
    const needsStores = ['emulators', 'e2e', 'alone'].some((project) => selected.has(project));
    const stores = needsStores ? await startStores(folder) : undefined;
    try {
      const { code } = await runProgram(
        [
          process.execPath,
          inRoot('node_modules/vitest/vitest.mjs'),
          'run',
          ...words,
          ...projects.map((name) => `--project=${name}`),
          ...[...(flags.reporter ?? ['default']), 'json'].map((name) => `--reporter=${name}`),
          `--outputFile.json=${resultFile}`,
          `--bail=${bail}`,
          ...(flags.update ? ['--update'] : []),
          ...(flags.testNamePattern === undefined ? [] : [`--testNamePattern=${flags.testNamePattern}`]),
        ],
        { output: 'inherit' },
      );
      const report = JSON.parse(await readFile(resultFile, 'utf8')) as Report;
      // A file that could not even be loaded has no failed test of its own.
      const isFaulty = code !== 0 || report.numFailedTestSuites > 0;
      const failed = Math.max(report.numFailedTests, Number(isFaulty));
      process.stdout.write(
        `\n${skippedLine(report)}${failureLines(report)}${report.numPassedTests} passed, ${failed} failed\n`,
      );
      if (failed > 0 || report.numPassedTests === 0) return 1;
      // Whether the tests notice a wrong number or a missing log line.
      if (!flags.all || words.length > 0 || projects.length > 0) return 0;
      return (
        await runProgram([process.execPath, inRoot('scripts/run.mjs'), 'mutate'], { output: 'inherit' })
      ).code;
    } finally {
      await stores?.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
