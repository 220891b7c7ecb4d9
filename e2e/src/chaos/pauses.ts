import { setTimeout as sleep } from 'node:timers/promises';

/** A process that stands still for a while: it keeps its connections and does not answer. */
export const standStill = async (pid: number, forMs: number): Promise<void> => {
  process.kill(pid, 'SIGSTOP');
  try {
    await sleep(forMs);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
};
