import { spawn } from 'node:child_process';
import { buildWorker } from './build/worker.ts';
import { inRoot } from './paths.ts';

// The command line of the worker, from the sources as they are now.
await buildWorker();
const child = spawn(
  process.execPath,
  ['--enable-source-maps', inRoot('worker/dist/cli.js'), ...process.argv.slice(2)],
  {
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
