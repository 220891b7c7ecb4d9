import type { WorkerBreakerState } from './synthesis-event.ts';

/** From well to worst: a breaker that a person shut does not come back by itself. */
const FROM_BEST_TO_WORST: readonly WorkerBreakerState[] = ['CLOSED', 'HALF_OPEN', 'OPEN', 'ISOLATED'];

/** The worst of some breakers; undefined for none. */
export const worstBreaker = (states: readonly WorkerBreakerState[]): WorkerBreakerState | undefined =>
  FROM_BEST_TO_WORST.findLast((state) => states.includes(state));

/** True when a worker with this breaker is given work: all of it, or one trial. */
export const admitsWork = (state: WorkerBreakerState): boolean => state === 'CLOSED' || state === 'HALF_OPEN';
