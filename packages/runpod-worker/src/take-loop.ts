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
  /** @returns how many jobs began */
  readonly onTaken: (outcome: TakeOutcome & { readonly kind: 'jobs' }) => number;
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
    // By hand: `AbortSignal.any` leaves something behind in a signal that lives as long as the process.
    const room = new AbortController();
    const wake = (): void => room.abort();
    const stop = underWay.onEnd(wake);
    signals.ending.addEventListener('abort', wake, { once: true });
    if (signals.ending.aborted) wake();
    await pause(clock, FULL_RECHECK_MS, room.signal);
    signals.ending.removeEventListener('abort', wake);
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
    const begun = outcome.kind === 'jobs' ? onTaken(outcome) : 0;
    if (outcome.kind === 'failed') log('warn', 'job-take failed', { failures, reason: outcome.why });
    // A poll that brought nothing to do is an empty one, whatever was in it.
    const end = outcome.kind === 'jobs' ? ({ kind: begun > 0 ? 'found' : 'none' } as const) : outcome;
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
