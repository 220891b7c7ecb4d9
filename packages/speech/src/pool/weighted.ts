import type { BalancedRequest, Balancer, Candidate } from './candidate.ts';
import { highest } from './candidate.ts';

/**
 * ```
 * score = 100
 *   - queueDepth * 10
 *   - responseTime / 10
 *   + successRate * 20
 *   + (modelMatch ? 30 : -10)
 *   + (priority === 'high' ? 25 : 0)
 * ```
 * with the response time in milliseconds and the success rate from 0 to 1. The last term is the same for all workers,
 * so it never changes a choice; it is there because the score is shown.
 *
 * @see seed 004, "Load Balancer, Scoring Factors"
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

/** The worker with the highest score. @see seed 004, "Weighted Scoring: multi-factor selection" */
export const weighted: Balancer = (candidates, request) =>
  highest(candidates, (candidate) => weightedScore(candidate, request));
