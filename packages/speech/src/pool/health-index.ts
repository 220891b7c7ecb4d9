export { WorkerHealth } from './worker-health.ts';
