import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buildWorker } from './build/index.ts';
import { inRoot } from './paths.ts';

/** Builds the worker and narrates a list of stories with it. */
await buildWorker();
const batch = spawn(process.execPath, [inRoot('worker/dist/batch.js'), ...process.argv.slice(2)], {
  cwd: process.env['INIT_CWD'] ?? process.cwd(),
  stdio: 'inherit',
});
// npm passes signals on to its shell only; ^C in a terminal reaches the child by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => batch.kill(signal));
const [code] = (await once(batch, 'close')) as [number | null];
process.exitCode = code ?? 1;
