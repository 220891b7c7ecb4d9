import { type Balancer, highest } from './candidate.ts';

/** A match outweighs any queue; an empty worker is better than one that would have to drop its model. */
const MATCH = 2_000_000;
const EMPTY = 1_000_000;

/**
 * A worker that has the model in memory, else one that has none, else any; among those the fewest requests.
 *
 * @see seed 004, "Model Affinity: voice-specific routing"
 */
export const modelAffinity: Balancer = (candidates, request) =>
  highest(candidates, ({ model, queueDepth }) => {
    if (model === request.model) return MATCH - queueDepth;
    return (model === undefined ? EMPTY : 0) - queueDepth;
  });
