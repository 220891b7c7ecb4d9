import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const GUARDIAN = fileURLToPath(new URL('./guardian.mjs', import.meta.url));

/** Groups that are not known to be gone. Whatever ends this process, they end with it, even a kill -9. */
const groups = new Set<number>();
let guardian: ChildProcess | undefined;

/** Inherited by everything that is started from here, however deep. */
export const RUN_MARK = { TALEBACK_RUN: randomUUID() } as const;

const tellGuardian = (line: string): void => {
  if (guardian === undefined) {
    guardian = spawn(process.execPath, [GUARDIAN], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, ...RUN_MARK },
    });
    guardian.stdin?.on('error', () => {}); // it is gone; there is nobody left to tell
    guardian.unref();
    (guardian.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }
  guardian.stdin?.write(`${line}\n`);
};

/** Remembers a process group, so that it never outlives this process. */
export const guardGroup = (pid: number): void => {
  groups.add(pid);
  tellGuardian(`+${pid}`);
};

/** Forgets a group that is gone. */
export const releaseGroup = (pid: number): void => {
  groups.delete(pid);
  tellGuardian(`-${pid}`);
};

/** Sends a signal to all of a group; false when there is nobody left in it. */
export const signalGroup = (pid: number, signal: NodeJS.Signals | 0): boolean => {
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
