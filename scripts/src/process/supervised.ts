import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { guardGroup, RUN_MARK, releaseGroup, signalGroup } from './process-groups.ts';

export interface SupervisedOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Everything the process prints goes here. */
  readonly logFile: string;
  /** How to know from its output that it serves. */
  readonly readyWhen: RegExp;
  readonly readyWithinMs: number;
}

export interface Supervised {
  readonly name: string;
  readonly pid: number;
  /** Resolves with the exit code, or the signal, when the process is gone. */
  readonly ended: Promise<string>;
  /** Asks the process to leave, then its whole group; resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it at once, as the kernel would. */
  kill(): Promise<void>;
}

/** How long a process may take to leave by itself, in milliseconds. The Firebase CLI waits for its children. */
const STOP_GRACE_MS = 15_000;
const TAIL_CHARACTERS = 2_000;

/**
 * Starts a process in a group of its own and resolves when it serves. The group lets everything that it started
 * be ended with it.
 * @throws Error with the end of its output when it exits first or takes too long
 */
export const startSupervised = async (options: SupervisedOptions): Promise<Supervised> => {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...options.env, ...RUN_MARK },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid !== undefined) guardGroup(pid);
  const log = createWriteStream(options.logFile, { flags: 'a' });
  let tail = '';
  const ended = once(child, 'close').then(([code, signal]) => String(signal ?? code));
  const ready = new Promise<void>((resolve) => {
    const read = (chunk: Buffer): void => {
      log.write(chunk);
      tail = (tail + chunk.toString('utf8')).slice(-TAIL_CHARACTERS);
      if (options.readyWhen.test(tail)) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
  });

  const finish = async (signal: NodeJS.Signals): Promise<void> => {
    if (pid === undefined) return;
    signalGroup(pid, signal);
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(timer);
    signalGroup(pid, 'SIGKILL'); // what the process itself had started and left
    releaseGroup(pid);
    log.end();
  };

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(
      () => resolve(`was not ready within ${options.readyWithinMs} ms`),
      options.readyWithinMs,
    );
  });
  const failed = pid === undefined ? once(child, 'error').then(([error]) => String(error)) : undefined;
  const fault = await Promise.race([
    ready.then(() => undefined),
    late,
    ended.then((end) => `ended with ${end}`),
    ...(failed === undefined ? [] : [failed]),
  ]);
  clearTimeout(timer);
  if (fault !== undefined || pid === undefined) {
    await finish('SIGKILL');
    throw new Error(`${options.name} ${fault}\n${tail.trim()}`);
  }
  return {
    name: options.name,
    pid,
    ended,
    stop: () => finish('SIGTERM'),
    kill: () => finish('SIGKILL'),
  };
};
