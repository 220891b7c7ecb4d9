import { setMaxListeners } from 'node:events';
import { TalebackError, toTalebackError } from '@taleback/core';
import { cancellationOf, throwIfCancelled } from '../engines/index.ts';

export interface OrderedAheadOptions {
  /** How many results may be in the making or waiting to be taken, at least 1. It bounds the memory. */
  readonly ahead: number;
  readonly signal?: AbortSignal | undefined;
}

/** Why the work is stopped when the loop is left: ready-made, because an abort without a reason makes an exception. */
const OVER = new TalebackError('job_cancelled', 'Nobody waits for this any more.');

/**
 * Works on several items at once and gives the results in the order of the items. The first failure of any of them
 * aborts the others and is thrown; so does leaving the loop early, quietly.
 */
export async function* orderedAhead<Item, Result>(
  items: readonly Item[],
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  { ahead, signal }: OrderedAheadOptions,
): AsyncGenerator<Result, void, undefined> {
  const stop = new AbortController();
  // Every piece ahead listens to it: more than ten are meant, no leak.
  setMaxListeners(0, stop.signal);
  const onAbort = (): void => stop.abort(signal && cancellationOf(signal));
  throwIfCancelled(signal);
  signal?.addEventListener('abort', onAbort, { once: true });

  const underway: Promise<Result>[] = [];
  let next = 0;
  const fill = (): void => {
    while (underway.length < ahead && next < items.length && !stop.signal.aborted) {
      const result = work(items[next] as Item, stop.signal);
      next += 1;
      // The first failure wins: those it aborts find the signal aborted already.
      result.catch((error: unknown) => stop.abort(toTalebackError(error)));
      underway.push(result);
    }
  };

  try {
    for (fill(); underway.length > 0; fill()) {
      const [head] = underway;
      yield await untilStopped(head as Promise<Result>, stop.signal);
      void underway.shift();
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stop.abort(OVER);
  }
}

/** The result, or the reason of the stop as soon as there is one. */
const untilStopped = <Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> =>
  new Promise((resolve, reject) => {
    const onStop = (): void => reject(cancellationOf(signal));
    if (signal.aborted) {
      onStop();
      return;
    }
    signal.addEventListener('abort', onStop, { once: true });
    void result
      .then(resolve, (error: unknown) => reject(toTalebackError(error)))
      .finally(() => signal.removeEventListener('abort', onStop));
  });
