import { type Balancer, highest } from './candidate.ts';

/** The worker with the fewest requests. @see seed 004, "Least Connections: queue depth optimization" */
export const leastConnections: Balancer = (candidates) =>
  highest(candidates, ({ queueDepth }) => -queueDepth);
