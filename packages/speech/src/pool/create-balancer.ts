import type { BALANCING } from '../manager/manager-config.ts';
import type { Balancer } from './candidate.ts';
import { leastConnections } from './least-connections.ts';
import { modelAffinity } from './model-affinity.ts';
import { createRoundRobin } from './round-robin.ts';
import { weighted } from './weighted.ts';

const BALANCERS: Readonly<Record<(typeof BALANCING)[number], () => Balancer>> = {
  'round-robin': createRoundRobin,
  'least-connections': () => leastConnections,
  weighted: () => weighted,
  'model-affinity': () => modelAffinity,
};

export const createBalancer = (name: (typeof BALANCING)[number]): Balancer => BALANCERS[name]();
