import type { RunpodLog } from './protocol.ts';
import { errorText } from './result-body.ts';

/** Jobs at once: a number, or a function of the current number that is asked before every poll. 0 takes none for now. */
export type Concurrency = number | ((current: number) => number | Promise<number>);

/** Asks how many jobs may run. A function that fails, or says nothing usable, changes nothing. */
export const createConcurrencyReader = (
  concurrency: Concurrency,
  log: RunpodLog,
): (() => Promise<number>) => {
  let current = typeof concurrency === 'number' ? concurrency : 1;
  return async () => {
    if (typeof concurrency === 'number') return current;
    try {
      const wanted = await concurrency(current);
      if (Number.isFinite(wanted)) current = Math.max(0, Math.floor(wanted));
      else log('warn', 'concurrency is no number', { wanted });
    } catch (error) {
      log('warn', 'concurrency not told', { error: errorText(error) });
    }
    return current;
  };
};
