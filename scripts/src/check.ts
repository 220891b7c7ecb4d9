import { spawn } from 'node:child_process';
import { parseCommandLine } from './command-line.ts';
import { inRoot } from './paths.ts';

const { values: flags } = parseCommandLine({
  usage: `Runs every static check.

  npm run check [-- --words]

  --words   check names, comments and documents for words that may not return, too
`,
  options: { words: { type: 'boolean', default: false } },
});

const bin = (name: string): string => inRoot('node_modules', '.bin', name);
const tsc = inRoot('node_modules/typescript-7/bin/tsc');
const script = (...args: string[]): string[] => [process.execPath, inRoot('scripts/run.mjs'), ...args];
const WORKSPACES = ['packages', 'functions', 'worker', 'cli', 'web', 'scripts', 'bench', 'e2e'];

/** The slowest first; none of them writes anything but build information. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  lint: [bin('oxlint'), '--type-aware', '--deny-warnings'],
  types: [process.execPath, tsc, '--project', '.'],
  arrows: [bin('depcruise'), ...WORKSPACES],
  'dead code': [bin('knip')],
  'types of benches and e2e': [process.execPath, tsc, '--project', 'tsconfig.browser.json'],
  'types of the page': [process.execPath, tsc, '--project', 'web'],
  format: [bin('biome'), 'format', '.'],
  'lock file': script('complete-lock', '--check'),
  'generated documents': script('configuration-docs', '--check'),
  names: script('check-names'),
  'generated Firebase files': script('firebase-files', '--check'),
  ...(flags.words ? { words: script('check-words') } : {}),
};
/** As many as `.ci/run` has cores. */
const AT_ONCE = 2;

const run = ([program = '', ...args]: readonly string[]): Promise<{ ok: boolean; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(program, args, { cwd: inRoot(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });

const waiting = Object.entries(CHECKS);
const runWaiting = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, command] = next;
    const startedAt = Date.now();
    const { ok, output } = await run(command);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'}  ${name}  ${seconds} s\n`);
    if (ok) continue;
    process.exitCode = 1;
    process.stdout.write(`${output.trim()}\n`);
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, runWaiting));
