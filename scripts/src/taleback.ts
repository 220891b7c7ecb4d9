import { spawn } from 'node:child_process';
import { inRoot } from './paths.ts';

/** The command line, from its sources. */
const child = spawn(
  process.execPath,
  [...process.execArgv, inRoot('cli/src/cli.ts'), ...process.argv.slice(2)],
  {
    cwd: process.env['INIT_CWD'] ?? process.cwd(),
    stdio: 'inherit',
  },
);
// It hears the terminal's signals itself; this process only waits for its end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
}
child.on('error', (error) => {
  process.stderr.write(`taleback: ${error.message}\n`);
  process.exitCode = 2;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
