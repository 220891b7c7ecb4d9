import type { Clock } from '@taleback/resilience';

/** Runs it after every interval. @returns a function that ends it */
export const repeat = (clock: Clock, intervalMs: number, run: () => void): (() => void) => {
  let isOver = false;
  const next = (): (() => void) =>
    clock.setTimer(() => {
      run();
      if (!isOver) stop = next();
    }, intervalMs);
  let stop = next();
  return () => {
    isOver = true;
    stop();
  };
};
