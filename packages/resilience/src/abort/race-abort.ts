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
