import type { Clock } from './clock.ts';

/** Waits `delayMs`, or less when the signal aborts. Never rejects. Leaves neither a timer nor a listener behind. */
export function wait(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<'elapsed' | 'aborted'> {
  if (signal?.aborted === true) return Promise.resolve('aborted');
  if (delayMs <= 0) return Promise.resolve('elapsed');
  return new Promise((resolve) => {
    const onAbort = (): void => {
      cancel();
      resolve('aborted');
    };
    const cancel = clock.setTimer(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve('elapsed');
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Settles as `run` does, or rejects with the signal's reason as soon as it aborts.
 *
 * `run` is not called when the signal is aborted already. An operation that ignores the signal keeps running; its
 * late result is dropped, a late rejection is not reported as unhandled.
 */
export function raceAbort<T>(signal: AbortSignal, run: () => PromiseLike<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => reject(signal.reason);
    const forget = (): void => signal.removeEventListener('abort', onAbort);
    const succeed = (value: T): void => {
      forget();
      resolve(value);
    };
    const fail = (error: unknown): void => {
      forget();
      reject(error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      run().then(succeed, fail);
    } catch (error) {
      fail(error);
    }
  });
}
