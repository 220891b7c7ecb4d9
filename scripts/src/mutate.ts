import { readFile } from 'node:fs/promises';
import { createVitest } from 'vitest/node';
import { runScript, UsageError } from './command-line.ts';
import subjectList from './mutate.json' with { type: 'json' };
import { inRoot } from './paths.ts';

const USAGE = `Changes one number or log line at a time, and runs the tests that should notice.

  node scripts/run.mjs mutate [WORD...]

  Only files whose path contains one of the words. Ends with 1 when a change passes every test.
`;

/** Files whose numbers, or log lines, are changed, with the tests of theirs. */
const SUBJECTS = subjectList as readonly {
  readonly file: string;
  readonly changes: 'numbers' | 'log lines';
  readonly tests: readonly string[];
}[];
/** Comments and texts, which are passed over, and numbers. */
const TOKENS = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<![\w$.])\d[\d_]*(?:\.\d+)?/g;
/** Comments, which are passed over, calls of the log, and severities. */
const LOG_LINES = /\/\*[\s\S]*?\*\/|\/\/.*|(?:\b|this\.#options\.)log\(|'(?:error|warn|info)'(?=[,\s])/g;

interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly words: string;
  readonly source: string;
}

const changedText = (text: string): string => {
  if (text.startsWith("'")) return "'debug'";
  // What the call is given is evaluated, and nothing is logged.
  return text.endsWith('(') ? 'void (' : String(Number(text.replaceAll('_', '')) * 2 + 1);
};

const mutantsOf = (file: string, source: string, changes: 'numbers' | 'log lines'): Mutant[] => {
  const matches = [...source.matchAll(changes === 'numbers' ? TOKENS : LOG_LINES)];
  return matches.flatMap((match) => {
    const [text] = match;
    if (text.startsWith('/') || (changes === 'numbers' && !/^\d/.test(text))) return [];
    const other = changedText(text);
    const before = source.slice(0, match.index);
    return {
      file,
      line: before.split('\n').length,
      words: `${text} becomes ${other}`,
      source: `${before}${other}${source.slice(match.index + text.length)}`,
    };
  });
};

await runScript({ usage: USAGE, options: {}, maxArguments: Number.POSITIVE_INFINITY }, async (_, words) => {
  const subjects = SUBJECTS.filter(
    ({ file }) => words.length === 0 || words.some((word) => file.includes(word)),
  );
  if (subjects.length === 0) throw new UsageError(`No file's path contains ${words.join(' or ')}`);
  let mutant: Mutant | undefined;
  const conditions = ['@taleback/source', 'node', 'development'];
  const vitest = await createVitest(
    {
      config: false,
      watch: false,
      // It would give the modules as they were before the change.
      fsModuleCache: false,
      root: inRoot(),
      include: subjects.flatMap(({ tests }) => tests),
      environment: 'node',
      execArgv: ['--conditions=@taleback/source'],
      reporters: [{}],
      // A number that is far too large may leave a test waiting.
      testTimeout: 10_000,
    },
    {
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      plugins: [
        {
          name: 'mutant',
          enforce: 'pre',
          load: (id: string) =>
            mutant !== undefined && id === inRoot(mutant.file) ? mutant.source : undefined,
        },
      ],
    },
  );
  const passes = async (tests: readonly string[]): Promise<boolean> => {
    const specifications = await vitest.globTestSpecifications(tests.map((test) => inRoot(test)));
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
    // What ran before is among them.
    const ran = testModules.filter(({ moduleId }) => specifications.some((one) => one.moduleId === moduleId));
    return unhandledErrors.length === 0 && ran.length === tests.length && ran.every((module) => module.ok());
  };
  const survivors: Mutant[] = [];
  let count = 0;
  try {
    for (const { file, changes, tests } of subjects) {
      if (!(await passes(tests))) throw new Error(`The tests of ${file} fail without any change`);
      for (mutant of mutantsOf(file, await readFile(inRoot(file), 'utf8'), changes)) {
        vitest.invalidateFile(inRoot(file));
        count += 1;
        if (!(await passes(tests))) continue;
        survivors.push(mutant);
        process.stdout.write(`survived: ${file}:${mutant.line}: ${mutant.words}\n`);
      }
      mutant = undefined;
      vitest.invalidateFile(inRoot(file));
    }
  } finally {
    await vitest.close();
  }
  process.stdout.write(`${count} changes, ${survivors.length} survived\n`);
  return survivors.length === 0 ? 0 : 1;
});
