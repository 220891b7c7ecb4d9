import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';

const GUARDIAN = fileURLToPath(new URL('./guardian.mjs', import.meta.url));

/** Groups that are not known to be gone. Whatever ends this process, they end with it, even a kill -9. */
const groups = new Set<number>();
let guardian: ChildProcess | undefined;

/** Inherited by everything that is started from here, however deep. */
const RUN_MARK = { TALEBACK_RUN: randomUUID() } as const;

const notifyGuardian = (line: string): void => {
  if (guardian === undefined) {
    guardian = spawn(process.execPath, [GUARDIAN], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, ...RUN_MARK },
    });
    guardian.stdin?.on('error', () => {}); // it is gone
    guardian.unref();
    (guardian.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }
  guardian.stdin?.write(`${line}\n`);
};

/** Remembers a process group, so that it never outlives this process. */
const guardGroup = (pid: number): void => {
  groups.add(pid);
  notifyGuardian(`+${pid}`);
};

/** Forgets a group that is gone. */
const releaseGroup = (pid: number): void => {
  groups.delete(pid);
  notifyGuardian(`-${pid}`);
};

/** Sends a signal to all of a group; false when it is empty. */
const signalGroup = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
};

process.on('exit', () => {
  for (const pid of groups) signalGroup(pid, 'SIGKILL');
});

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

/** How long a process may take to end after a signal, in milliseconds. The Firebase CLI waits for its children. */
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
