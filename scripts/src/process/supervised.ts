import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const GUARDIAN = fileURLToPath(new URL('./guardian.mjs', import.meta.url));

/** Process groups that are not known to be gone. They end with this process, even at a kill -9. */
const groups = new Set<number>();
let guardian: ChildProcess | undefined;

/** Inherited by everything that is started from here, however deep. */
const RUN_MARK = { TALEBACK_RUN: randomUUID() } as const;

/** Adds a group to those that the guardian ends after this process, or takes one that is gone from them. */
const guard = (pid: number, isRunning: boolean): void => {
  if (isRunning) groups.add(pid);
  else groups.delete(pid);
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
  guardian.stdin?.write(`${isRunning ? '+' : '-'}${pid}\n`);
};

/** Sends a signal to all of a group, unless it is empty. */
const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is empty.
  }
};

process.on('exit', () => {
  for (const pid of groups) signalGroup(pid, 'SIGKILL');
});

export interface SupervisedOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Where everything that it prints goes, to `<log>.log`. */
  readonly folder: string;
  readonly log: string;
  /** Default: the folder. */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** How to know from its output that it serves. */
  readonly readyWhen: RegExp;
  readonly readyWithinMs: number;
}

export type Supervised = Awaited<ReturnType<typeof startSupervised>>;

/** How long a process may take to end after a signal, in milliseconds. The Firebase CLI waits for its children. */
const STOP_GRACE_MS = 15_000;
const TAIL_CHARACTERS = 2_000;

/** The last line that speaks of an error, else the last one; lines of a stack trace say where, not what. */
const lastWords = (output: string): string => {
  const lines = output.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !line.startsWith('at '));
  return said.findLast((line) => /error/i.test(line)) ?? said.at(-1) ?? 'it printed nothing';
};

/**
 * Starts a process in a group of its own and resolves when it serves. The group lets everything that it started be ended
 * with it.
 *
 * @throws Error with its last words and the name of its log when it exits first or takes too long
 */
export const startSupervised = async (options: SupervisedOptions) => {
  const [program, ...args] = options.command;
  const child = spawn(program, args, {
    cwd: options.cwd ?? options.folder,
    env: { ...(options.env ?? process.env), ...RUN_MARK },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw new Error(`${options.name} ${String(error)}`);
  }
  guard(pid, true);
  const log = createWriteStream(join(options.folder, `${options.log}.log`), { flags: 'a' });
  const ended = once(child, 'close').then(([code, signal]) => `ended with ${signal ?? code}`);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    signalGroup(pid, signal);
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(timer);
    signalGroup(pid, 'SIGKILL'); // what the process itself had started and left
    guard(pid, false);
    log.end();
  };

  let tail = '';
  const serves = new Promise<undefined>((resolve) => {
    const read = (chunk: Buffer): void => {
      log.write(chunk);
      tail = (tail + chunk.toString('utf8')).slice(-TAIL_CHARACTERS);
      if (options.readyWhen.test(tail)) resolve(undefined);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
  });
  const isLate = delay(options.readyWithinMs, `was not ready within ${options.readyWithinMs / 1000} s`, {
    ref: false,
  });
  const fault = await Promise.race([serves, ended, isLate]);
  if (fault !== undefined) {
    await end('SIGKILL');
    throw new Error(`${options.name} ${fault}: ${lastWords(tail)} (${String(log.path)})`);
  }
  return {
    pid,
    /** Asks the process to leave, then its whole group; resolves when it is gone. */
    stop: () => end('SIGTERM'),
    /** Ends it at once, as the kernel would. */
    kill: () => end('SIGKILL'),
  };
};
