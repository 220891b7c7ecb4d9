import { classifyHttpStatus, retry, tryWithDeadline, wait } from '@taleback/resilience';
import { errorText, type RunpodLog } from './log.ts';
import {
  EMPTY_TAKE_PAUSE_MS,
  FULL_RECHECK_MS,
  MAX_WAITING_RESULTS,
  PING_RETRY_MS,
  type PollEnd,
  pauseAfterPoll,
  STOP_PAUSE_MS,
} from './pacing.ts';
import {
  type Asked,
  type HttpAnswer,
  type PlatformAccess,
  pingAddress,
  stopAddress,
  takeAddress,
} from './platform.ts';
import { readStops, readTake, type TakeOutcome } from './read-answers.ts';
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

/** Makes polls of one kind: each asks, uses the answer, and then pauses as its end and the failures before it demand. */
const createPoll = (
  name: string,
  leastMs: number,
  { clock, random, log }: PlatformAccess,
  ending: AbortSignal,
) => {
  let failures = 0;
  return async (ask: () => Promise<Asked>, use: (answer: HttpAnswer) => PollEnd): Promise<void> => {
    let end: PollEnd;
    try {
      const asked = await ask();
      end = asked.kind === 'completed' ? use(asked.value) : { kind: 'none' };
    } catch (error) {
      end = { kind: 'failed', why: errorText(error) };
    }
    failures = end.kind === 'failed' ? failures + 1 : 0;
    if (end.kind === 'failed') log('warn', `${name} failed`, { failures, reason: end.why });
    const timing = { leastMs, failures, nowMs: clock.now(), random };
    await wait(clock, pauseAfterPoll(end, timing), ending);
  };
};

export interface TakeLoopParts extends PlatformAccess {
  readonly underWay: UnderWay;
  /** Jobs that may be under way at once. */
  readonly limit: () => Promise<number>;
  readonly waitingResults: () => number;
  /** Begins a job that a dead worker left; false when there is none. They go before new ones. */
  readonly beginLeftover: () => boolean;
  /** @returns how many jobs began */
  readonly onTaken: (outcome: TakeOutcome & { readonly kind: 'jobs' }) => number;
  /** No further poll begins; the open one is waited for, because the platform may hand out a job in it. */
  readonly ending: AbortSignal;
  /** The open poll is given up. */
  readonly leaving: AbortSignal;
}

/** Takes jobs as long as slots are free, until a signal ends it. Never rejects. */
export const runTakeLoop = async (parts: TakeLoopParts): Promise<void> => {
  const { platform, underWay, onTaken, clock, ending, leaving } = parts;
  const poll = createPoll('job-take', EMPTY_TAKE_PAUSE_MS, parts, ending);
  while (!ending.aborted) {
    const free = (await parts.limit()) - underWay.count;
    if (ending.aborted) return;
    if (free < 1 || parts.waitingResults() >= MAX_WAITING_RESULTS) {
      await tryWithDeadline(() => underWay.nextEnd(), FULL_RECHECK_MS, { signal: ending, clock });
      continue;
    }
    if (parts.beginLeftover()) continue;
    const url = takeAddress(platform.settings, free, underWay.count > 0);
    await poll(
      () => platform.poll(url, leaving),
      (answer) => {
        const outcome = readTake(answer);
        // A poll that found nothing to do is an empty one, whatever was in it.
        return outcome.kind === 'jobs' ? { kind: onTaken(outcome) > 0 ? 'found' : 'none' } : outcome;
      },
    );
  }
};

/** Calls `onStop` with each job that the platform wants stopped, until the signal aborts. Never rejects. */
export const runStopLoop = async (
  parts: PlatformAccess,
  onStop: (jobId: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const { platform } = parts;
  const url = stopAddress(platform.settings);
  if (url === undefined) return;
  const poll = createPoll('job-stop', STOP_PAUSE_MS, parts, signal);
  while (!signal.aborted)
    await poll(
      () => platform.poll(url, signal),
      (answer) => {
        const outcome = readStops(answer);
        if (outcome.kind !== 'stops') return outcome;
        outcome.jobIds.forEach(onStop);
        // A platform that repeats them at once must not keep the worker busy.
        return { kind: 'none' };
      },
    );
};

/**
 * Reports to the platform that the worker lives and what it works on, at once and after every interval. Never rejects.
 *
 * @param jobIds jobs that this worker has taken and that have no accepted result yet
 */
export const runPingLoop = async (
  { platform, clock, log }: PlatformAccess,
  jobIds: () => readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  const { pingTemplate, pingIntervalMs } = platform.settings;
  if (pingTemplate === undefined) return;
  let isLasting = false;

  const ping = async (): Promise<void> => {
    const url = pingAddress(platform.settings, jobIds()) ?? pingTemplate;
    isLasting = false;
    const asked = await platform.ping(url, 2 * pingIntervalMs, signal);
    if (asked.kind === 'aborted') return;
    const status = asked.kind === 'completed' ? asked.value.status : undefined;
    if (status !== undefined && status < 300) return;
    isLasting = status === undefined || !classifyHttpStatus(status).retryable;
    throw new Error(status === undefined ? 'no answer' : `answered ${status}`);
  };

  while (!signal.aborted) {
    const begunAtMs = clock.now();
    const outcome = await retry(ping, {
      maxAttempts: PING_RETRY_MS.length + 1,
      backoff: { kind: 'schedule', delaysMs: PING_RETRY_MS, jitter: 'none' },
      classify: () => ({ retryable: !isLasting }),
      clock,
      signal,
    });
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'aborted') {
      log('warn', 'ping failed', { attempts: outcome.attempts, reason: errorText(outcome.lastError) });
    }
    await wait(clock, Math.max(0, begunAtMs + pingIntervalMs - clock.now()), signal);
  }
};
