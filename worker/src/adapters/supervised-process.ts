import { type ChildProcess, spawn } from 'node:child_process';
import type { ChildEnd, StartChild } from '../supervise/index.ts';

export interface SupervisedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const endOf = (code: number | null, signal: NodeJS.Signals | null): ChildEnd =>
  signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal };

const whenEnded = (child: ChildProcess, onEnd: (end: ChildEnd) => void): void => {
  child.once('exit', (code, signal) => onEnd(endOf(code, signal)));
  child.on('error', (error) => {
    // It is also told when a signal cannot be sent; only without a process is it the end.
    if (child.pid === undefined) onEnd({ kind: 'not-started', reason: error.message });
  });
};

/**
 * Starts processes that share our input, outputs and process group, and hold one end of a channel to us: it closes when
 * we are gone, and they hear of it (`onSupervisorGone`).
 */
export const createSupervisedProcess =
  ({ command, args, env }: SupervisedProcessOptions): StartChild =>
  (onEnd) => {
    try {
      const child = spawn(command, args, {
        stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
        ...(env === undefined ? {} : { env }),
      });
      whenEnded(child, onEnd);
      return { pid: child.pid, kill: (signal) => void child.kill(signal) };
    } catch (error) {
      // Some reasons are thrown, such as no memory for another process.
      queueMicrotask(() => onEnd({ kind: 'not-started', reason: (error as Error).message }));
      return { pid: undefined, kill: () => {} };
    }
  };
