import {
  type Backoff,
  backoffDelayMs,
  type CancelTimer,
  type Clock,
  type Random,
  wait,
} from '@taleback/resilience';
import type { Log } from '@taleback/core';
import type { Readiness } from '@taleback/speech/operations';

/** The state of a stream that runs in the background: the subscription of jobs, the heartbeats. */
export interface StreamHealth {
  readonly open: boolean;
  /** Since when it is so, unix milliseconds. */
  readonly sinceMs: number;
  /** How often it ended or could not be opened since the process started. */
  readonly failures: number;
  /** Why it is not open, a sentence; absent while it is. */
  readonly reason?: string;
}

/** A service without its jobs is not ready, however well it speaks. */
export const readinessWith = (readiness: Readiness, jobs: StreamHealth): Readiness => {
  if (jobs.open) return readiness;
  const { state, reasons } = readiness;
  const reason = `No jobs come in. ${jobs.reason ?? ''}`.trimEnd();
  return { ready: false, state: state === 'ready' ? 'degraded' : state, reasons: [...reasons, reason] };
};

/** 4 s at most, so that jobs are taken within 10 s after a recovery. */
const BACKOFF: Backoff = { kind: 'exponential', initialMs: 250, maxMs: 4_000, jitter: 'equal' };
/** A stream that stays open this long has recovered; one that ends sooner continues the outage, ms. */
const STEADY_MS = 10_000;

export interface StreamOptions {
  /** In the log, such as `job stream`. */
  readonly name: string;
  /** Opens the stream, calls `opened` once it is open, and ends with it. Rejects with the reason. */
  readonly run: (opened: () => void, signal: AbortSignal) => Promise<void>;
  /** Makes a sentence of the reason. */
  readonly describe: (fault: unknown) => string;
  /** Whether a stream that was never open can never be: its configuration is wrong. */
  readonly isFinal: (fault: unknown) => boolean;
  /** How long an outage may last, ms. */
  readonly deadAfterMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Keeps a stream open: after each end it is opened again, with backoff. */
export const superviseStream = (options: StreamOptions) => {
  const { name, run, describe, isFinal, deadAfterMs, clock, random, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const firstOpened = Promise.withResolvers<void>();
  const dead = Promise.withResolvers<string>();
  let health: StreamHealth = {
    open: false,
    sinceMs: clock.now(),
    failures: 0,
    reason: 'The stream is being opened.',
  };
  let hasOpened = false;
  /** Set during an outage. */
  let cancelDeath: CancelTimer | undefined;
  let failuresInRow = 0;
  let lastLogged = '';

  const reportOpen = (): void => {
    if (health.open || signal.aborted) return;
    hasOpened = true;
    health = { open: true, sinceMs: clock.now(), failures: health.failures };
    log('info', `${name} open`);
    firstOpened.resolve();
  };

  const reportEnd = (reason: string): void => {
    // A server ends every stream now and then: only an end that the next one does not mend is a warning.
    const severity = failuresInRow === 0 && hasOpened ? 'info' : 'warn';
    failuresInRow += 1;
    const sinceMs = health.open ? clock.now() : health.sinceMs;
    health = { open: false, sinceMs, failures: health.failures + 1, reason };
    if (lastLogged !== `${severity} ${reason}`) log(severity, `${name} ended`, { reason });
    lastLogged = `${severity} ${reason}`;
  };

  const keepOpen = async (): Promise<void> => {
    while (!signal.aborted) {
      cancelDeath ??= clock.setTimer(() => dead.resolve(health.reason ?? ''), deadAfterMs);
      let cancelSteady: CancelTimer | undefined;
      const opened = (): void => {
        reportOpen();
        cancelSteady ??= clock.setTimer(() => {
          cancelDeath?.();
          cancelDeath = undefined;
          failuresInRow = 0;
        }, STEADY_MS);
      };
      let reason = 'The server ended the stream.';
      let isLast = false;
      try {
        await run(opened, signal);
      } catch (fault) {
        reason = describe(fault);
        isLast = !hasOpened && isFinal(fault);
      }
      cancelSteady?.();
      if (signal.aborted) return;
      reportEnd(reason);
      if (isLast) return dead.resolve(reason);
      await wait(clock, backoffDelayMs(BACKOFF, failuresInRow, random), signal);
    }
  };

  let running: Promise<void> | undefined;
  return {
    health: (): StreamHealth => health,
    /** Resolves when the stream has opened for the first time, or was closed. */
    start: (): Promise<void> => {
      running ??= keepOpen();
      return firstOpened.promise;
    },
    /** Resolves, with the reason, when it was not open for too long or never can be. */
    dead: dead.promise,
    /** Ends it for good. */
    close: async (): Promise<void> => {
      stopping.abort(new Error('the worker is stopping'));
      firstOpened.resolve();
      await running;
      cancelDeath?.();
    },
  };
};
