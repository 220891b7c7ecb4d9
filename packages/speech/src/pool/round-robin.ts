import type { Balancer } from './candidate.ts';

/**
 * Each worker in turn, by id: the next after the last chosen, so that the turn goes on although the candidates change.
 *
 * @see seed 004, "Round Robin: simple rotation"
 */
export const createRoundRobin = (): Balancer => {
  let lastId = '';
  return (candidates) => {
    const [first] = candidates;
    let lowest = first;
    let next: typeof first | undefined;
    for (const candidate of candidates) {
      if (isBefore(candidate.id, lowest.id)) lowest = candidate;
      if (isBefore(lastId, candidate.id) && (next === undefined || isBefore(candidate.id, next.id)))
        next = candidate;
    }
    const chosen = next ?? lowest;
    lastId = chosen.id;
    return chosen;
  };
};

/** `worker-2` before `worker-10`. */
const isBefore = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length);
