export type { BalancedRequest, Balancer, Candidate } from './candidate.ts';
export { createBalancer } from './create-balancer.ts';
