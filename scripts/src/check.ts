import { runScript } from './command-line.ts';
import { inRoot } from './paths.ts';
import { runProgram } from './process/run-program.ts';

const USAGE = `Runs every static check.

  npm run check
`;

const bin = (name: string): string => inRoot('node_modules', '.bin', name);
const types = [process.execPath, inRoot('node_modules/typescript-7/bin/tsc'), '--project'];
const script = [process.execPath, inRoot('scripts/run.mjs')];
const WORKSPACES = ['packages', 'functions', 'worker', 'cli', 'web', 'scripts', 'bench', 'e2e'];

/** The slowest first; none of them writes anything but build information. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  lint: [bin('oxlint'), '--type-aware', '--deny-warnings'],
  types: [...types, '.'],
  arrows: [bin('depcruise'), ...WORKSPACES],
  'dead code': [bin('knip')],
  'types of benches and e2e': [...types, 'tsconfig.browser.json'],
  'types of the page': [...types, 'web'],
  format: [bin('biome'), 'format', '.'],
  'lock file': [...script, 'complete-lock', '--check'],
  'generated documents': [...script, 'configuration-docs', '--check'],
  names: [...script, 'check-lines', 'names'],
  words: [...script, 'check-lines', 'words'],
  'generated Firebase files': [...script, 'firebase-files', '--check'],
};
/** As many as `.ci/run` has cores. */
const AT_ONCE = 2;

await runScript({ usage: USAGE }, async () => {
  const waiting = Object.entries(CHECKS).values();
  let exitCode = 0;
  const runWaiting = async (): Promise<void> => {
    for (const [name, command] of waiting) {
      const startedAt = Date.now();
      const { code, output, isInterrupted } = await runProgram(command);
      if (isInterrupted) exitCode = 130;
      if (exitCode === 130) return;
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name}  ${seconds} s\n`);
      if (code === 0) continue;
      exitCode = 1;
      process.stdout.write(`${output.trim()}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runWaiting));
  return exitCode;
});
