import { type Clock, type Random, wait } from '@taleback/resilience';
import { errorText, type RunpodLog } from './log.ts';
import {
  EMPTY_POLL_SPACING_MS,
  EMPTY_STOP_SPACING_MS,
  FULL_RECHECK_MS,
  MAX_WAITING_RESULTS,
  pauseAfterPoll,
} from './pacing.ts';
import type { Asked, Platform } from './platform.ts';
import { readStops, readTake, type StopOutcome, type TakeOutcome } from './read-answers.ts';
import type { UnderWay } from './under-way.ts';

/** Jobs at once: a number, or a function of the current number that is asked before every poll. 0 takes none for now. */
export type Concurrency = number | ((current: number) => number | Promise<number>);

/** Asks how many jobs may run. A function that fails, or says nothing usable, changes nothing. */
export const createConcurrencyReader = (
  concurrency: Concurrency,
  log: RunpodLog,
): (() => Promise<number>) => {
  let current = typeof concurrency === 'number' ? concurrency : 1;
  return async () => {
    if (typeof concurrency === 'number') return current;
    try {
      const wanted = await concurrency(current);
      if (Number.isFinite(wanted)) current = Math.max(0, Math.floor(wanted));
      else log('warn', 'concurrency is no number', { wanted });
    } catch (error) {
      log('warn', 'concurrency unknown', { error: errorText(error) });
    }
    return current;
  };
};

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

const pollTake = async (
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

/** Takes jobs as long as slots are free, until a signal ends it. Never rejects. */
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
    await wait(clock, FULL_RECHECK_MS, room.signal);
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
    const outcome = await pollTake(platform, free, underWay.count > 0, signals.leaving);
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
    await wait(clock, pauseMs, signals.ending);
  }
};

export interface StopLoopParts {
  readonly platform: Platform;
  readonly onStop: (jobId: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RunpodLog;
}

/** Undefined when the platform gave no address to ask. */
const pollStops = async (platform: Platform, signal: AbortSignal): Promise<StopOutcome | undefined> => {
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
    const outcome = await pollStops(platform, signal);
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
    await wait(clock, pauseMs, signal);
  }
};
