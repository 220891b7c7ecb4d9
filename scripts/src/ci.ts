import { runScript } from './command-line.ts';
import { inRoot } from './paths.ts';
import { runProgram } from './process/run-program.ts';

const USAGE = `Runs what a change needs before it lands: npm audit, the checks, every test, the unit tests on Node 22, one more
storm, a minute of simulated histories and 20 s of siege. The last line counts what passed and failed.

  node scripts/run.mjs ci
`;

/** The steps, as arguments of scripts/run.mjs. */
const STEPS: readonly (readonly string[])[] = [
  ['check'],
  ['test'],
  ['--node', '22', 'test', '--project', 'unit'],
  ['e2e', 'chaos', '--seeds', '1'],
  ['e2e', 'simulate', '--seconds', '60'],
  ['e2e', 'siege', '--seconds', '20'],
];
/** The last line of a test run. */
const COUNTS = /^(\d+) passed, (\d+) failed/gm;
/** What a test run says of each of its failures. */
const FAILURE = /^Failed: .*$/gm;

/** Known advisories of the packages that are deployed or published. @returns whether there is a grave one */
const isAuditFailed = async (): Promise<boolean> => {
  const { code, output } = await runProgram(['npm', 'audit', '--omit=dev', '--audit-level=high']);
  const isSkipped = output.includes('audit endpoint returned an error');
  process.stdout.write(isSkipped ? 'skipped: the registry has no audit endpoint\n' : output);
  return code !== 0 && !isSkipped;
};

await runScript({ usage: USAGE }, async () => {
  const total = { passed: 0, failed: 0 };
  const failures: string[] = [];
  process.stdout.write('\n== npm audit\n');
  total[(await isAuditFailed()) ? 'failed' : 'passed'] += 1;
  for (const step of STEPS) {
    process.stdout.write(`\n== ${step.join(' ')}\n`);
    const command = [process.execPath, inRoot('scripts/run.mjs'), ...step];
    const { code, output, isInterrupted } = await runProgram(command, { output: 'tee' });
    if (isInterrupted) return 130;
    // A step without tests counts as one; so does what failed beside its tests.
    const [, passed = code === 0 ? 1 : 0, failed = 0] = [...output.matchAll(COUNTS)].at(-1) ?? [];
    total.passed += Number(passed);
    total.failed += code === 0 ? Number(failed) : Math.max(Number(failed), 1);
    failures.push(
      ...(output.match(FAILURE) ?? []),
      ...(code === 0 ? [] : [`${step.join(' ')} exited with ${code}.`]),
    );
  }
  process.stdout.write(`\n${failures.join('\n')}\n${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
});
