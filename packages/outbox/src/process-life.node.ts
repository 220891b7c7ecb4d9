import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, distinguishable from a later one with the same number. */
export interface ProcessName {
  readonly pid: number;
  readonly host: string;
  /** When it began, as its machine counts; absent where that cannot be read. */
  readonly started?: string | undefined;
}

/** The 22nd field, counted after the name in brackets. */
const startedOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
};

export const thisProcess = (): ProcessName => ({
  pid: process.pid,
  host: hostname(),
  started: startedOf(process.pid),
});

/**
 * Whether a process is certainly gone, certainly there, or of another machine or container, which cannot be asked.
 *
 * @example
 * console.log(lifeOf({ pid: process.pid, host: 'another' })); // elsewhere
 */
export const lifeOf = ({ pid, host, started }: ProcessName): 'alive' | 'gone' | 'elsewhere' => {
  if (host !== hostname()) return 'elsewhere';
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'gone';
  }
  const now = startedOf(pid);
  return started !== undefined && now !== undefined && now !== started ? 'gone' : 'alive';
};
