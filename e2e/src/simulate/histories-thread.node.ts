import { registerHooks } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { type Bug, plant } from './bugs.ts';
import { planOf } from './plan.ts';

export interface ThreadData {
  /** It runs this seed, and every `stride`-th after it. */
  readonly seed: number;
  readonly stride: number;
  readonly histories: number;
  /** Unix milliseconds. */
  readonly endsAtMs: number;
  readonly bug: Bug | undefined;
}

/** What it reports at its end, or at the first history that fails. */
export interface ThreadReport {
  readonly histories: number;
  readonly failing: { readonly seed: number; readonly shortest: string } | undefined;
}

const run = async ({ seed, stride, histories, endsAtMs, bug }: ThreadData): Promise<ThreadReport> => {
  if (bug !== undefined)
    registerHooks({
      load: (url, context, nextLoad) => {
        const loaded = nextLoad(url, context);
        if (!url.endsWith(`/${bug.file}`) || loaded.source == null) return loaded;
        const source =
          typeof loaded.source === 'string'
            ? loaded.source
            : Buffer.from(loaded.source as Uint8Array).toString();
        return { ...loaded, source: plant(bug, source) };
      },
    });
  const { describeHistory, runHistory, shrink } = await import('./run-history.ts');
  let done = 0;
  for (let next = seed; done < histories && Date.now() < endsAtMs; next += stride) {
    const history = await runHistory(planOf(next));
    done += 1;
    if (history.faults.length === 0) continue;
    // A bug is found; nothing has to be read.
    const shortest = bug === undefined ? await shrink(history) : history;
    return { histories: done, failing: { seed: next, shortest: describeHistory(shortest) } };
  }
  return { histories: done, failing: undefined };
};

const report = await run(workerData as ThreadData);
parentPort?.postMessage(report, []);
