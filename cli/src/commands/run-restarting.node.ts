import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { type Backoff, backoffDelayMs } from '@taleback/resilience';

/** Delays before the first, second, ... start after an end that was not asked for. */
const BACKOFF: Backoff = { kind: 'exponential', initialMs: 1_000, maxMs: 60_000, jitter: 'equal' };
/** A worker that ran this long is well: the next delay is the first again. */
const STEADY_AFTER_MS = 60_000;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export interface RestartingOptions {
  /** Arguments of the Node that runs the worker, its entry last. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Longest time that the worker may take to stop before it is killed, ms. */
  readonly stopWithinMs: number;
  readonly say: (line: string) => void;
  readonly backoff?: Backoff;
}

/**
 * Runs a worker in a process of its own, and starts it again when it ends with anything but 0. A stop signal is passed on
 * and ends both. The worker sees the end of this process by its channel, even of a kill -9.
 *
 * @returns the exit code for this process
 */
export const runRestarting = async (options: RestartingOptions): Promise<number> => {
  const { backoff = BACKOFF } = options;
  const stop = new AbortController();
  let send = (_signal: NodeJS.Signals): void => {};
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      stop.abort();
      send(signal);
    });
  }
  for (let failures = 0; ; ) {
    const startedAt = performance.now();
    const child = spawn(process.execPath, options.args, {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      // One name for all its lives, so that a new one replaces what the last one reported.
      env: { WORKER_ID: `${hostname()}-${process.pid}`, ...options.env },
    });
    send = (signal) => {
      child.kill(signal);
      setTimeout(() => child.kill('SIGKILL'), options.stopWithinMs).unref();
    };
    const [code, signal] = (await once(child, 'exit').catch((error: Error) => [error.message])) as [
      unknown,
      unknown,
    ];
    // A second signal that ended it on its way out does not make the stop a failure.
    if (stop.signal.aborted) return typeof code === 'number' && signal === null ? code : 0;
    if (code === 0) return 0;
    failures = performance.now() - startedAt >= STEADY_AFTER_MS ? 1 : failures + 1;
    const delayMs = backoffDelayMs(backoff, failures);
    options.say(
      `taleback: the worker ended with ${String(signal ?? code)}; starting it again in ${Math.round(delayMs)} ms\n`,
    );
    send = () => {};
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      stop.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (stop.signal.aborted) return 0;
  }
};
