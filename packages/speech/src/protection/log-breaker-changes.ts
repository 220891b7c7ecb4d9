import type { BreakerListener, BreakerState } from '@taleback/resilience';
import type { Log } from '@taleback/core';

const WORDS = {
  closed: { severity: 'warn', verb: 'closed' },
  open: { severity: 'error', verb: 'opened' },
  'half-open': { severity: 'warn', verb: 'is half-open' },
  isolated: { severity: 'error', verb: 'is shut' },
} as const satisfies Record<BreakerState['kind'], { severity: 'warn' | 'error'; verb: string }>;

/**
 * Logs what happens to a breaker in the words operators look for: opening at error, the way back at warn.
 *
 * @param name what the breaker guards, such as `kokoro`
 * @see seed 003: look for "CIRCUIT BREAKER" messages; protection logs at WARNING or ERROR
 */
export const logBreakerChanges =
  (log: Log, name: string): BreakerListener =>
  ({ cause, from, to }) => {
    const { severity, verb } = WORDS[to.kind];
    log(severity, `CIRCUIT BREAKER ${name} ${verb}: ${cause.replaceAll('-', ' ')}`, {
      breaker: name,
      from: from.kind,
      to: to.kind,
      cause,
      ...('cooldownMs' in to ? { cooldownMs: to.cooldownMs } : {}),
    });
  };
