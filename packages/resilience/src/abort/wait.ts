import type { Clock } from '../clock/index.ts';

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
