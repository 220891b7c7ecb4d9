import type { ServicePhase } from '@taleback/speech/src/status/readiness.ts';

/** How long a stop may take beyond its drain time before the process counts as stuck, ms. */
export const STOP_GRACE_MS = 10_000;

export interface Liveness {
  readonly alive: boolean;
  /** Why it should be ended; absent while it lives. */
  readonly reason?: string;
}

/**
 * Decides whether the process is worth keeping. That it can be asked at all says that its event loop turns; only a stop
 * that does not come to its end makes it dead.
 *
 * @param drainMs what a stop may take for the work under way
 */
export const decideLiveness = (phase: ServicePhase, drainMs: number, nowMs: number): Liveness => {
  if (phase.kind !== 'stopping') return { alive: true };
  const stoppingMs = nowMs - phase.sinceMs;
  return stoppingMs <= drainMs + STOP_GRACE_MS
    ? { alive: true }
    : { alive: false, reason: `It has been stopping for ${Math.round(stoppingMs / 1_000)} s.` };
};
