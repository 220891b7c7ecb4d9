import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Bug } from './bugs.ts';
import type { ThreadData, ThreadReport } from './histories-thread.node.ts';

export interface Histories {
  readonly seed: number;
  readonly histories: number;
  readonly seconds: number;
  /** Planted into the sources as they are loaded. */
  readonly bug?: Bug | undefined;
}

/** The goal is stated for two cores. */
const MAX_THREADS = 2;

/** Runs histories in two threads, until one fails, all are done or the time is over. */
export const runHistories = async ({ seed, histories, seconds, bug }: Histories): Promise<ThreadReport> => {
  const stride = Math.min(MAX_THREADS, availableParallelism(), histories);
  const endsAtMs = Date.now() + seconds * 1_000;
  const threads = Array.from({ length: stride }, (_, index) => {
    const mine = Math.ceil((histories - index) / stride);
    const workerData: ThreadData = { seed: seed + index, stride, histories: mine, endsAtMs, bug };
    return new Worker(new URL('./histories-thread.node.ts', import.meta.url), { workerData });
  });
  const reports = threads.map(async (thread): Promise<ThreadReport> => {
    const [report] = (await once(thread, 'message')) as [ThreadReport];
    // Nothing more has to be run after the first failure.
    if (report.failing !== undefined)
      for (const other of threads) if (other !== thread) void other.terminate();
    return report;
  });
  const ends = threads.map((thread) => once(thread, 'exit').then(() => undefined));
  const all = await Promise.all(reports.map((report, index) => Promise.race([report, ends[index]])));
  return {
    histories: all.reduce((sum, report) => sum + (report?.histories ?? 0), 0),
    failing: all.find((report) => report?.failing !== undefined)?.failing,
  };
};
