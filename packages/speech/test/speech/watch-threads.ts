import type { Worker } from 'node:worker_threads';

/** Counts the worker threads that this process starts from now on and that have not ended. */
export const watchThreads = (): { readonly livingThreads: () => number } => {
  const living = new Set<Worker>();
  process.on('worker', (worker) => {
    living.add(worker);
    worker.once('exit', () => living.delete(worker));
  });
  return { livingThreads: () => living.size };
};
