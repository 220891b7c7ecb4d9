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
  readonly model: string | undefined;
}

export interface BalancedRequest {
  readonly model: string;
  readonly priority: Priority;
}

/** Chooses one of at least one candidates. */
export type Balancer = <C extends Candidate>(candidates: readonly [C, ...C[]], request: BalancedRequest) => C;

type Score = (candidate: Candidate, request: BalancedRequest) => number;

/** Those of the highest score. */
const best = <C extends Candidate>(
  candidates: readonly [C, ...C[]],
  request: BalancedRequest,
  scoreOf: Score,
): readonly [C, ...C[]] => {
  const scores = candidates.map((candidate) => scoreOf(candidate, request));
  const highest = Math.max(...scores);
  const [first = candidates[0], ...others] = candidates.filter((_, index) => scores[index] === highest);
  return [first, ...others];
};

/** Chooses the candidate with the highest score; among equals the first. */
const byScore =
  (scoreOf: Score): Balancer =>
  (candidates, request) =>
    best(candidates, request, scoreOf)[0];

/** By the weighted score. Of equals the one that used the model last, else one that has to drop no model. */
const createWeighted = (): Balancer => {
  /** Ids of workers, by the model. */
  const lastUsers = new Map<string, string>();
  const tieScore: Score = ({ id, model }, request) =>
    lastUsers.get(request.model) === id ? 2 : Number(model === undefined);
  return (candidates, request) => {
    const [chosen] = best(best(candidates, request, weightedScore), request, tieScore);
    lastUsers.set(request.model, chosen.id);
    return chosen;
  };
};

/** Each worker in turn, by id: the next after the last chosen, so that the order holds while the candidates change. */
const createRoundRobin = (): Balancer => {
  let lastId = '';
  return (candidates) => {
    const ordered = candidates.toSorted((a, b) => compareIds(a.id, b.id));
    const chosen = ordered.find(({ id }) => compareIds(lastId, id) < 0) ?? ordered[0] ?? candidates[0];
    lastId = chosen.id;
    return chosen;
  };
};

/** `worker-2` before `worker-10`. */
const compareIds = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : Number(a > b));

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
const affinityScore = ({ model, queueDepth }: Candidate, request: BalancedRequest): number => {
  if (model === request.model) return 2_000_000 - queueDepth;
  return (model === undefined ? 1_000_000 : 0) - queueDepth;
};

/** @see docs/origins.md#balancing */
const BALANCERS: Readonly<Record<(typeof BALANCING)[number], () => Balancer>> = {
  'round-robin': createRoundRobin,
  'least-connections': () => byScore(({ queueDepth }) => -queueDepth),
  weighted: createWeighted,
  'model-affinity': () => byScore(affinityScore),
};

export const createBalancer = (name: (typeof BALANCING)[number]): Balancer => BALANCERS[name]();
