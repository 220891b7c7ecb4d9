import { CircuitBreaker, type Clock } from '@taleback/resilience';
import type { TtsManagerConfig } from '../manager/manager-config.ts';

/** The breaker of one worker. @see seed 004, "Circuit Breaker: per-worker isolation" */
export const createWorkerBreaker = (
  { failureThreshold, windowCalls, minimumCalls, ...options }: TtsManagerConfig['circuitBreaker'],
  clock: Clock,
): CircuitBreaker =>
  new CircuitBreaker(
    {
      strategy: {
        kind: 'count-window',
        failureRatio: failureThreshold,
        size: Math.max(windowCalls, minimumCalls),
        minimumCalls,
      },
      cooldownMs: options.resetTimeoutMs,
      halfOpenSuccesses: options.halfOpenSuccesses,
    },
    { clock },
  );
