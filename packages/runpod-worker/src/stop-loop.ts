import type { Clock, Random } from '@taleback/resilience';
import { EMPTY_STOP_SPACING_MS } from './pacing.ts';
import { pause } from './pause.ts';
import type { Platform } from './platform.ts';
import { pauseAfterPoll } from './poll-pause.ts';
import type { RunpodLog } from './protocol.ts';
import { readStops, type StopOutcome } from './read-stops.ts';
import { errorText } from './result-body.ts';

export interface StopLoopParts {
  readonly platform: Platform;
  readonly onStop: (jobId: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RunpodLog;
}

/** Undefined when the platform gave no address to ask. */
const poll = async (platform: Platform, signal: AbortSignal): Promise<StopOutcome | undefined> => {
  try {
    const asked = await platform.stops(signal);
    if (asked === undefined) return undefined;
    return asked.kind === 'completed' ? readStops(asked.value) : { kind: 'none' };
  } catch (error) {
    return { kind: 'failed', why: errorText(error) };
  }
};

/** Hears which jobs the platform wants stopped, until the signal aborts. Never rejects. */
export const runStopLoop = async (parts: StopLoopParts, signal: AbortSignal): Promise<void> => {
  const { platform, onStop, clock, random, log } = parts;
  let failures = 0;
  while (!signal.aborted) {
    const begunAtMs = clock.now();
    const outcome = await poll(platform, signal);
    if (outcome === undefined) return;
    failures = outcome.kind === 'failed' ? failures + 1 : 0;
    if (outcome.kind === 'stops') outcome.jobIds.forEach(onStop);
    else if (outcome.kind === 'failed') log('warn', 'job-stop failed', { failures, reason: outcome.why });
    const nowMs = clock.now();
    const pauseMs = pauseAfterPoll(outcome.kind === 'stops' ? { kind: 'found' } : outcome, {
      tookMs: nowMs - begunAtMs,
      emptySpacingMs: EMPTY_STOP_SPACING_MS,
      failures,
      nowMs,
      random,
    });
    await pause(clock, pauseMs, signal);
  }
};
