import type { Clock } from '@taleback/resilience';

/** A disk that has not answered by then (a network share that hangs) is as good as none. Speaking a chunk takes less. */
const PATIENCE_MS = 2_000;

/** Settles as the work does, or with what `onLate` says when that takes over two seconds; the work goes on then. */
export const withPatience = <Value, Late>(
  clock: Clock,
  work: Promise<Value>,
  onLate: () => Late,
): Promise<Value | Late> =>
  new Promise((resolve, reject) => {
    const cancel = clock.setTimer(() => resolve(onLate()), PATIENCE_MS);
    const settle = <Outcome>(end: (outcome: Outcome) => void) => {
      return (outcome: Outcome): void => {
        cancel();
        end(outcome);
      };
    };
    work.then(settle(resolve), settle(reject));
  });
