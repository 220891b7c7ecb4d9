import type { Clock, Random } from '@taleback/resilience';
import { EMPTY_POLL_SPACING_MS, FULL_RECHECK_MS, MAX_WAITING_RESULTS } from './pacing.ts';
import { pause } from './pause.ts';
import type { Asked, Platform } from './platform.ts';
import { pauseAfterPoll } from './poll-pause.ts';
import type { RunpodLog } from './protocol.ts';
import { readTake, type TakeOutcome } from './read-take.ts';
import { errorText } from './result-body.ts';
import type { UnderWay } from './under-way.ts';

export interface TakeLoopParts {
  readonly platform: Platform;
  readonly underWay: UnderWay;
  /** Jobs that may be under way at once. */
  readonly limit: () => Promise<number>;
  /** Results that wait to be accepted. */
  readonly waitingResults: () => number;
  /** Begins a job that a dead worker left; false when there is none. They go before new ones. */
  readonly beginLeftover: () => boolean;
  readonly onTaken: (outcome: TakeOutcome & { readonly kind: 'jobs' }) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RunpodLog;
}

export interface TakeLoopSignals {
  /** No further poll begins; the open one is waited for, because the platform may hand out a job in it. */
  readonly ending: AbortSignal;
  /** The open poll is given up. */
  readonly leaving: AbortSignal;
}

const readAsked = (asked: Asked): TakeOutcome => {
  if (asked.kind === 'completed') return readTake(asked.value);
  return { kind: 'none', why: asked.kind === 'timed-out' ? 'the poll ran its time' : 'the worker ends' };
};

const poll = async (
  platform: Platform,
  size: number,
  isBusy: boolean,
  signal: AbortSignal,
): Promise<TakeOutcome> => {
  try {
    return readAsked(await platform.take(size, isBusy, signal));
  } catch (error) {
    return { kind: 'failed', why: errorText(error) };
  }
};

/** Takes jobs as long as slots are free, until it is told to end. Never rejects. */
export const runTakeLoop = async (parts: TakeLoopParts, signals: TakeLoopSignals): Promise<void> => {
  const { platform, underWay, limit, waitingResults, beginLeftover, onTaken, clock, random, log } = parts;
  let failures = 0;

  const waitForRoom = async (): Promise<void> => {
    const room = new AbortController();
    const stop = underWay.onEnd(() => room.abort());
    await pause(clock, FULL_RECHECK_MS, AbortSignal.any([room.signal, signals.ending]));
    stop();
  };

  while (!signals.ending.aborted) {
    const free = (await limit()) - underWay.count;
    if (signals.ending.aborted) return;
    if (free < 1 || waitingResults() >= MAX_WAITING_RESULTS) {
      await waitForRoom();
      continue;
    }
    if (beginLeftover()) continue;
    const begunAtMs = clock.now();
    const outcome = await poll(platform, free, underWay.count > 0, signals.leaving);
    failures = outcome.kind === 'failed' ? failures + 1 : 0;
    if (outcome.kind === 'jobs') onTaken(outcome);
    else if (outcome.kind === 'failed') log('warn', 'job-take failed', { failures, reason: outcome.why });
    const end = outcome.kind === 'jobs' ? ({ kind: 'found' } as const) : outcome;
    const nowMs = clock.now();
    const pauseMs = pauseAfterPoll(end, {
      tookMs: nowMs - begunAtMs,
      emptySpacingMs: EMPTY_POLL_SPACING_MS,
      failures,
      nowMs,
      random,
    });
    await pause(clock, pauseMs, signals.ending);
  }
};
