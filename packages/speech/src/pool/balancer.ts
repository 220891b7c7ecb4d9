import type { Priority } from '@taleback/resilience';
import type { BALANCING } from './pool-config.ts';

/** A worker that could take a request now. */
export interface Candidate {
  readonly id: string;
  /** Requests in progress. */
  readonly queueDepth: number;
  /** Average of its recent answers, in milliseconds; 0 before the first. */
  readonly responseTimeMs: number;
  /** Share of its recent answers that succeeded, 0 to 1; 1 before the first. */
  readonly successRate: number;
  /** The model in memory, if any. */
  readonly model: string | undefined;
}

export interface BalancedRequest {
  readonly model: string;
  readonly priority: Priority;
}

/** Chooses one of at least one candidates. */
export type Balancer = <C extends Candidate>(candidates: readonly [C, ...C[]], request: BalancedRequest) => C;

/** The candidate with the highest score; among equals the first. */
const highest = <C extends Candidate>(
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

/** `worker-2` before `worker-10`. */
const isBefore = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length);

/** Each worker in turn, by id: the next after the last chosen, so that the order holds while the candidates change. */
const createRoundRobin = (): Balancer => {
  let lastId = '';
  return (candidates) => {
    let [lowest] = candidates;
    let next: typeof lowest | undefined;
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

/**
 * With the response time in milliseconds and the success rate from 0 to 1. The last term is the same for all workers and
 * never changes a choice; it is part of the documented formula.
 *
 * @see docs/origins.md#balancing
 */
export const weightedScore = (
  { queueDepth, responseTimeMs, successRate, model }: Candidate,
  request: BalancedRequest,
): number =>
  100 -
  queueDepth * 10 -
  responseTimeMs / 10 +
  successRate * 20 +
  (model === request.model ? 30 : -10) +
  (request.priority === 'high' ? 25 : 0);

/** A match outweighs any queue; an empty worker is better than one that would have to drop its model. */
const MODEL_MATCH = 2_000_000;
const MODEL_EMPTY = 1_000_000;

const modelAffinity: Balancer = (candidates, request) =>
  highest(candidates, ({ model, queueDepth }) => {
    if (model === request.model) return MODEL_MATCH - queueDepth;
    return (model === undefined ? MODEL_EMPTY : 0) - queueDepth;
  });

/** @see docs/origins.md#balancing */
const BALANCERS: Readonly<Record<(typeof BALANCING)[number], () => Balancer>> = {
  'round-robin': createRoundRobin,
  'least-connections': () => (candidates) => highest(candidates, ({ queueDepth }) => -queueDepth),
  weighted: () => (candidates, request) =>
    highest(candidates, (candidate) => weightedScore(candidate, request)),
  'model-affinity': () => modelAffinity,
};

export const createBalancer = (name: (typeof BALANCING)[number]): Balancer => BALANCERS[name]();
