import type { Clock } from '@taleback/resilience';

/** Waits, or less when the signal aborts. Never rejects; leaves neither a timer nor a listener behind. */
export const pause = (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true || delayMs <= 0) return resolve();
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.setTimer(end, delayMs);
    signal?.addEventListener('abort', end, { once: true });
  });
