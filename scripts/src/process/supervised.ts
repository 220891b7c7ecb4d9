import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

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

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
};

const isGroupAlive = (pid: number): boolean => {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Groups that are not known to be gone. Whatever ends this process, they end with it. */
const groups = new Set<number>();
process.on('exit', () => {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // gone already
    }
  }
});

/**
 * Starts a process in a group of its own and resolves when it serves. The group lets everything that it started
 * be ended with it.
 * @throws Error with the end of its output when it exits first or takes too long
 */
export const startSupervised = async (options: SupervisedOptions): Promise<Supervised> => {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) groups.add(child.pid);
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
    signalGroup(child, signal);
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(timer);
    if (child.pid !== undefined) {
      if (isGroupAlive(child.pid)) signalGroup(child, 'SIGKILL');
      groups.delete(child.pid);
    }
    log.end();
  };

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(
      () => resolve(`was not ready within ${options.readyWithinMs} ms`),
      options.readyWithinMs,
    );
  });
  const failed = child.pid === undefined ? once(child, 'error').then(([error]) => String(error)) : undefined;
  const fault = await Promise.race([
    ready.then(() => undefined),
    late,
    ended.then((end) => `ended with ${end}`),
    ...(failed === undefined ? [] : [failed]),
  ]);
  clearTimeout(timer);
  if (fault !== undefined) {
    if (child.pid !== undefined) await finish('SIGKILL');
    throw new Error(`${options.name} ${fault}\n${tail.trim()}`);
  }
  return {
    name: options.name,
    pid: child.pid as number,
    ended,
    stop: () => finish('SIGTERM'),
    kill: () => finish('SIGKILL'),
  };
};
