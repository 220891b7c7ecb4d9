import { type Clock, classifyHttpStatus, retry, wait } from '@taleback/resilience';
import { PING_RETRY_MS } from './pacing.ts';
import type { Platform } from './platform.ts';
import { errorText, type RunpodLog } from './log.ts';

export interface PingLoopParts {
  readonly platform: Platform;
  /** Jobs that this worker has taken and that have no accepted result yet. */
  readonly jobIds: () => readonly string[];
  readonly clock: Clock;
  readonly log: RunpodLog;
}

class PingFailed extends Error {
  readonly retryable: boolean;

  constructor(words: string, retryable: boolean) {
    super(words);
    this.retryable = retryable;
  }
}

/** Reports to the platform that the worker lives and what it works on, at once and after every interval. Never rejects. */
export const runPingLoop = async (parts: PingLoopParts, signal: AbortSignal): Promise<void> => {
  const { platform, jobIds, clock, log } = parts;
  const { pingTemplate, pingIntervalMs } = platform.settings;
  if (pingTemplate === undefined) return;

  const pingOnce = async (attempt: AbortSignal): Promise<void> => {
    const asked = await platform.ping(jobIds(), 2 * pingIntervalMs, attempt);
    if (asked?.kind === 'timed-out') throw new PingFailed('no answer', false);
    if (asked?.kind !== 'completed' || asked.value.status < 300) return;
    const { retryable } = classifyHttpStatus(asked.value.status);
    throw new PingFailed(`answered ${asked.value.status}`, retryable);
  };

  while (!signal.aborted) {
    const begunAtMs = clock.now();
    const outcome = await retry(() => pingOnce(signal), {
      maxAttempts: PING_RETRY_MS.length + 1,
      backoff: { kind: 'schedule', delaysMs: PING_RETRY_MS, jitter: 'none' },
      classify: (error) => ({ retryable: !(error instanceof PingFailed) || error.retryable }),
      clock,
      signal,
    });
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'aborted') {
      log('warn', 'ping failed', { attempts: outcome.attempts, reason: errorText(outcome.lastError) });
    }
    await wait(clock, Math.max(0, begunAtMs + pingIntervalMs - clock.now()), signal);
  }
};
