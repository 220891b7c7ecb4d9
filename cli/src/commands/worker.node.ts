import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Backoff } from '@taleback/resilience';
import { readConfig } from '../options.node.ts';
import { terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  taleback worker --restart
  JOB_SOURCE=runpod taleback worker

Every setting is a variable of the environment: docs/configuration.md lists them.`;

/** Delays before the first, second, ... start after a crash. */
const BACKOFF: Backoff = { kind: 'exponential', initialMs: 1_000, maxMs: 60_000, jitter: 'equal' };
/** After a run of this length the next delay is the first again. */
const STEADY_AFTER_MS = 60_000;
/** What a stop may take beyond the draining of jobs, before the worker is killed. */
const STOP_GRACE_MS = 10_000;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Runs `taleback worker` in a process of its own and starts it again when it ends with anything but 0. A stop signal is
 * passed on and ends both. The channel between the two tells the worker of a kill -9 of this process.
 *
 * @returns the exit code for this process
 */
const runRestarting = async (drainMs: number): Promise<number> => {
  const { backoffDelayMs } = await import('@taleback/resilience');
  const { environment } = await readConfig();
  const stop = new AbortController();
  let pass: ((signal: NodeJS.Signals) => void) | undefined;
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      stop.abort();
      pass?.(signal);
    });
  }
  for (let failures = 0; ; ) {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', 'worker'], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      // The same name after a restart, so that its reports replace those of the process before.
      env: { WORKER_ID: `${hostname()}-${process.pid}`, ...environment },
    });
    pass = (signal) => {
      child.kill(signal);
      setTimeout(() => child.kill('SIGKILL'), drainMs + STOP_GRACE_MS).unref();
    };
    const [code, signal] = (await once(child, 'exit').catch((error: Error) => [error.message])) as [
      number | string | null,
      NodeJS.Signals | null | undefined,
    ];
    // A worker that was still starting is ended by the signal itself.
    if (stop.signal.aborted) return typeof code === 'number' ? code : Number(signal === 'SIGKILL');
    // A wrong configuration is wrong the next time, too.
    if (code === 0 || code === 2) return code;
    pass = undefined;
    failures = performance.now() - startedAt >= STEADY_AFTER_MS ? 1 : failures + 1;
    const delayMs = backoffDelayMs(BACKOFF, failures);
    const end = `the worker ended with ${signal ?? code}; starting it again in ${Math.round(delayMs)} ms`;
    terminal.err(`taleback: ${end}\n`);
    await wait(delayMs, undefined, stop).catch(() => {});
    if (stop.signal.aborted) return 0;
  }
};

const endWithParent = (): void => {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
};

/** `taleback worker`. @param stayUp called when the worker runs in this process, which it ends itself */
export const addWorkerCommand = (program: Command, stayUp: () => void): void => {
  program
    .command('worker')
    .summary('take jobs and narrate them')
    .description('Runs the worker until a stop signal (SIGTERM drains it).')
    .option('--restart', 'start it again when it ends with an error', false)
    .addHelpText('after', EXAMPLES)
    .action(async ({ restart }: { restart: boolean }) => {
      endWithParent();
      // A fault in the configuration is reported in one sentence, before the worker's own log begins.
      const { config } = await readConfig();
      if (restart) {
        process.exitCode = await runRestarting(config.drainMs);
        return;
      }
      // The worker runs as soon as it is loaded.
      await import('@taleback/worker/src/main.ts');
      stayUp();
    });
};
