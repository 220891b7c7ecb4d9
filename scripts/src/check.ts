import { spawn } from 'node:child_process';
import { inRoot } from './paths.ts';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const bin = (name: string): string => inRoot('node_modules', '.bin', name);

/** Every static check; none of them writes anything but build information. */
const CHECKS: readonly Check[] = [
  {
    name: 'types',
    command: [process.execPath, inRoot('node_modules/typescript-7/bin/tsc'), '--project', '.'],
  },
  {
    name: 'types of the page',
    command: [process.execPath, inRoot('node_modules/typescript-7/bin/tsc'), '--project', 'web'],
  },
  { name: 'format', command: [bin('biome'), 'format', '.'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware', '--deny-warnings'] },
  {
    name: 'arrows',
    command: [bin('depcruise'), 'packages', 'functions', 'worker', 'cli', 'web', 'scripts', 'bench', 'e2e'],
  },
  { name: 'dead code', command: [bin('knip')] },
  { name: 'lock file', command: [process.execPath, inRoot('scripts/run.mjs'), 'complete-lock', '--check'] },
  { name: 'names', command: [process.execPath, inRoot('scripts/run.mjs'), 'check-names'] },
  {
    name: 'Firebase files',
    command: [process.execPath, inRoot('scripts/run.mjs'), 'firebase-files', '--check'],
  },
  {
    name: 'generated documents',
    command: [process.execPath, inRoot('scripts/run.mjs'), 'configuration-docs', '--check'],
  },
];

const run = ({ command: [program, ...args] }: Check): Promise<{ ok: boolean; output: string }> =>
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

let failures = 0;
for (const check of CHECKS) {
  const startedAt = Date.now();
  const { ok, output } = await run(check);
  process.stdout.write(
    `${ok ? 'ok    ' : 'FAILED'}  ${check.name}  ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`,
  );
  if (ok) continue;
  failures += 1;
  process.stdout.write(`${output.trim()}\n`);
}
process.exitCode = failures === 0 ? 0 : 1;
