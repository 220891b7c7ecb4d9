import type { Priority } from '@taleback/resilience';

/** What a balancer knows of a worker that could take a request now. */
export interface Candidate {
  readonly id: string;
  /** Requests it has. */
  readonly queueDepth: number;
  /** Average of its last answers, in milliseconds; 0 when it has given none. */
  readonly responseTimeMs: number;
  /** Share of its last answers that were sound, 0 to 1; 1 when it has given none. */
  readonly successRate: number;
  /** The model in its memory; undefined when it has none yet. */
  readonly model: string | undefined;
}

export interface BalancedRequest {
  readonly model: string;
  readonly priority: Priority;
}

/** Chooses one of the candidates, of which there is at least one. */
export type Balancer = <C extends Candidate>(candidates: readonly [C, ...C[]], request: BalancedRequest) => C;

/** The candidate with the highest score; among equals the first. */
export const highest = <C extends Candidate>(
  candidates: readonly [C, ...C[]],
  scoreOf: (candidate: C) => number,
): C => {
  let [best] = candidates;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    const score = scoreOf(candidate);
    if (score > bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
};
