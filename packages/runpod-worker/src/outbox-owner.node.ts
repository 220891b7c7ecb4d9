import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';

const owner = z.object({
  pid: z.number().int().min(1),
  host: z.string(),
  /** When the process began, as its machine counts; absent where it does not tell. */
  started: z.string().optional(),
});

/** The process that a folder belongs to. */
export type Owner = z.output<typeof owner>;

/** @throws Error when it is not what `JSON.stringify` made of one. */
export const parseOwner = (text: string): Owner => owner.parse(JSON.parse(text));

/** Tells a process from a later one with the same number. The 22nd field, counted after the name in brackets. */
const startedOf = async (pid: number): Promise<string | undefined> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
};

export const thisProcess = async (): Promise<Owner> => {
  const started = await startedOf(process.pid);
  return { pid: process.pid, host: hostname(), ...(started === undefined ? {} : { started }) };
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Whether the process is certainly gone, certainly there, or of a machine that cannot be asked. */
export const lifeOf = async ({ pid, host, started }: Owner): Promise<'alive' | 'gone' | 'elsewhere'> => {
  if (host !== hostname()) return 'elsewhere';
  if (!isRunning(pid)) return 'gone';
  const now = await startedOf(pid);
  return started !== undefined && now !== undefined && now !== started ? 'gone' : 'alive';
};
