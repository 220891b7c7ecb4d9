import type { Log } from '@taleback/core';
import type { SynthesisEvent } from '../pool/speech-line.ts';

const BREAKER_WORDS = {
  open: { severity: 'error', words: 'circuit breaker opened' },
  'half-open': { severity: 'warn', words: 'testing whether it is back' },
  closed: { severity: 'warn', words: 'Circuit closed, service is working' },
  isolated: { severity: 'error', words: 'isolated by hand' },
} as const;

const CAUSES: Readonly<Partial<Record<string, string>>> = {
  'too-many-failures': ': too many failures',
  'trial-failed': ' again: the trial failed',
};

/**
 * Logs events in the words that operators search for, for speech processes and remote services alike.
 *
 * @see docs/origins.md#log-words
 */
export const logEvents =
  (log: Log) =>
  (event: SynthesisEvent): void => {
    switch (event.kind) {
      case 'breaker-changed': {
        const { kind: _, workerId: breaker, cause, ...fields } = event;
        const { severity, words } = BREAKER_WORDS[event.to];
        const message =
          cause === 'reset-by-hand' ? 'Circuit closed by hand' : `${words}${CAUSES[cause] ?? ''}`;
        log(severity, `CIRCUIT BREAKER ${breaker}: ${message}`, { breaker, cause, ...fields });
        return;
      }
      case 'breaker-rejected': {
        const { engine: breaker, retryAfterMs } = event;
        log('warn', `CIRCUIT BREAKER ${breaker}: OPEN, request rejected`, { breaker, retryAfterMs });
        return;
      }
      case 'retried': {
        const { engine, code, attempt } = event;
        log('warn', 'an attempt failed, another follows', { engine, code, failedAttempt: attempt - 1 });
        return;
      }
      case 'refused':
        if (event.code === 'system_protection' || event.code === 'synthesis_disabled')
          log('warn', 'SYSTEM PROTECTION: request rejected', { code: event.code });
        return;
      default: // The others are counted, not logged.
    }
  };
