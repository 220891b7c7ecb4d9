import type { Priority } from '@taleback/resilience';
import type { ServiceState } from '@taleback/speech/src/status/readiness.ts';
import type { WorkerBreakerState, WorkerState } from '@taleback/speech/src/pool/pool-snapshot.ts';

export const PRIORITIES = ['high', 'normal', 'low'] as const satisfies readonly Priority[];
export const WORKER_STATES = [
  'INITIALIZING',
  'READY',
  'BUSY',
  'UNHEALTHY',
  'SHUTTING_DOWN',
  'TERMINATED',
] as const satisfies readonly WorkerState[];
export const BREAKER_STATES = [
  'CLOSED',
  'OPEN',
  'HALF_OPEN',
  'ISOLATED',
] as const satisfies readonly WorkerBreakerState[];
export const SERVICE_STATES = [
  'starting',
  'ready',
  'degraded',
  'protected',
  'stopping',
] as const satisfies readonly ServiceState[];

/** More names than any pool has slots share one label: what is kept stays bounded whatever the names are. */
const MAX_WORKER_LABELS = 64;
const OTHER = 'other';

/** Makes labels of the names of workers, and `other` of what is too many. */
export const boundedLabel = (): ((name: string) => string) => {
  const names = new Set<string>();
  return (name) => {
    if (names.size < MAX_WORKER_LABELS) names.add(name);
    return names.has(name) ? name : OTHER;
  };
};

/** `half-open` and `HALF_OPEN` are one label. */
export const breakerLabel = (state: string): string => {
  const name = state.toUpperCase().replaceAll('-', '_');
  return BREAKER_STATES.some((known) => known === name) ? name.toLowerCase() : OTHER;
};
