import { randomUUID } from 'node:crypto';
import { errorWords, type Log } from '@taleback/core';
import type { SendOnce, TryOutcome } from '@taleback/outbox';
import { type Clock, classifyHttpStatus, wait } from '@taleback/resilience';
import { encodeHeartbeat, newsOf, type WorkerSnapshot } from './heartbeat.ts';

export interface HeartbeatOptions {
  /** Where the receiver takes heartbeats, such as `https://tales.example/api/tts/heartbeat`. */
  readonly url: string;
  readonly workerId: string;
  /** The state now; cheap, because it is read every few seconds. */
  readonly snapshot: () => WorkerSnapshot;
  readonly sendOnce: SendOnce;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Heartbeats {
  /** Sends a last heartbeat, if any was accepted before: the worker stops. Takes two seconds at most; never rejects. */
  close(): Promise<void>;
}

/** Shortest time between two heartbeats, and how often news is looked for, ms. */
const LEAST_MS = 5_000;
/** Longest time between two heartbeats that say the same, ms: a fifth of how long one is valid. */
const MOST_MS = 60_000;
/** Longest wait for an answer, ms. */
const ANSWER_MS = 10_000;
/** Longest wait for the answer to the last heartbeat, ms: it delays the stop. */
const LAST_ANSWER_MS = 2_000;

interface Accepted {
  readonly news: string;
  readonly atMs: number;
}

/** Whether a heartbeat has to be sent: it says something else than the last one that was accepted, or a minute passed. */
export const isDue = (last: Accepted | undefined, news: string, nowMs: number): boolean =>
  last?.news !== news || nowMs - last.atMs >= MOST_MS;

/**
 * How long to wait after an outcome, ms. A receiver that does not answer is asked less and less often; one that would
 * refuse the same words again, once a minute; a Retry-After is obeyed, up to a minute.
 *
 * @param failures heartbeats in a row that were not accepted before this one
 */
export const decideWait = (outcome: TryOutcome, failures: number, nowMs: number): number => {
  const backoffMs = Math.min(LEAST_MS * 2 ** failures, MOST_MS);
  switch (outcome.kind) {
    case 'accepted':
      return LEAST_MS;
    case 'unanswered':
      return backoffMs;
    case 'address-refused':
      return MOST_MS;
    case 'not-accepted': {
      const { retryable, retryAfterMs } = classifyHttpStatus(outcome.status, outcome.retryAfter, nowMs);
      return retryable ? Math.max(backoffMs, Math.min(retryAfterMs ?? 0, MOST_MS)) : MOST_MS;
    }
    default:
      return outcome satisfies never;
  }
};

const causeOf = (outcome: Exclude<TryOutcome, { kind: 'accepted' }>): string =>
  outcome.kind === 'not-accepted' ? `answered ${outcome.status}: ${outcome.excerpt}` : outcome.cause;

/** Reports the state of this worker and its engines: now, soon after a change, and every minute. */
export const startHeartbeats = (options: HeartbeatOptions): Heartbeats => {
  const { url, workerId, snapshot, sendOnce, clock, log } = options;
  const stopping = new AbortController();
  let accepted: Accepted | undefined;
  let lastKind: string | undefined;

  /** Logs an outcome unless it is like the one before. */
  const logChange = (kind: string, cause?: string): void => {
    if (kind === lastKind) return;
    const isRecovery = lastKind !== undefined;
    lastKind = kind;
    if (cause !== undefined) log('warn', 'heartbeat not accepted', { url, cause });
    else log('info', isRecovery ? 'heartbeat accepted again' : 'heartbeat accepted', { url });
  };

  const send = async (body: Uint8Array, withinMs: number, signal?: AbortSignal): Promise<TryOutcome> => {
    const late = new AbortController();
    const cancel = clock.setTimer(() => late.abort(new Error(`no answer within ${withinMs} ms`)), withinMs);
    try {
      const message = { url, messageId: `heartbeat_${randomUUID()}`, body };
      return await sendOnce(message, AbortSignal.any(signal ? [late.signal, signal] : [late.signal]));
    } catch (fault) {
      return { kind: 'unanswered', cause: errorWords(fault) };
    } finally {
      cancel();
    }
  };

  const report = (outcome: TryOutcome): void => {
    if (outcome.kind === 'accepted') logChange('accepted');
    else
      logChange(
        outcome.kind === 'not-accepted' ? `answered ${outcome.status}` : outcome.kind,
        causeOf(outcome),
      );
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      let waitMs = LEAST_MS;
      try {
        const now = snapshot();
        const news = newsOf(now);
        if (isDue(accepted, news, clock.now())) {
          const outcome = await send(encodeHeartbeat(workerId, now, clock.now()), ANSWER_MS, signal);
          if (signal.aborted) return;
          report(outcome);
          waitMs = decideWait(outcome, failures, clock.now());
          const isAccepted = outcome.kind === 'accepted';
          failures = isAccepted ? 0 : failures + 1;
          if (isAccepted) accepted = { news, atMs: clock.now() };
        }
      } catch (fault) {
        logChange('no snapshot', errorWords(fault));
      }
      await wait(clock, waitMs, signal);
    }
  };

  const running = run(stopping.signal);
  let closing: Promise<void> | undefined;
  const sayStopping = async (): Promise<void> => {
    stopping.abort(new Error('the worker stops'));
    await running;
    if (accepted === undefined) return;
    try {
      const body = encodeHeartbeat(workerId, { ...snapshot(), state: 'stopping' }, clock.now());
      report(await send(body, LAST_ANSWER_MS));
    } catch (fault) {
      logChange('no snapshot', errorWords(fault));
    }
  };
  return {
    close: () => {
      closing ??= sayStopping();
      return closing;
    },
  };
};
