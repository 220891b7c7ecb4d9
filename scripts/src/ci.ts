import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseCommandLine } from './command-line.ts';
import { inRoot } from './paths.ts';

parseCommandLine({
  usage: `Runs what a change needs before it lands: the checks, every test, the unit tests on Node 22, one more storm. The last
line counts what passed and failed.

  node scripts/run.mjs ci
`,
});

/** The steps, as arguments of scripts/run.mjs. */
const STEPS: readonly (readonly string[])[] = [
  ['check'],
  ['test'],
  ['--node', '22', 'test', '--project', 'unit'],
  ['e2e', 'chaos', '--seeds', '1'],
];
/** The last line of a test run. */
const COUNTS = /^(\d+) passed, (\d+) failed/gm;

/** Runs a step, with its output as it comes. */
const runStep = async (args: readonly string[]): Promise<{ passed: number; failed: number }> => {
  process.stdout.write(`\n== ${args.join(' ')}\n`);
  const child = spawn(process.execPath, [inRoot('scripts/run.mjs'), ...args], {
    cwd: inRoot(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, pass);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    output = (output + chunk.toString('utf8')).slice(-4_000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, pass);
  const counts = [...output.matchAll(COUNTS)].at(-1);
  // A step without tests counts as one; so does what failed beside its tests.
  const passed = counts === undefined ? Number(code === 0) : Number(counts[1]);
  const failed = counts === undefined ? 0 : Number(counts[2]);
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1) };
};

let passed = 0;
let failed = 0;
for (const step of STEPS) {
  const counts = await runStep(step);
  passed += counts.passed;
  failed += counts.failed;
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
