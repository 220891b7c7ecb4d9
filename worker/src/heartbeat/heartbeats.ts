import { randomUUID } from 'node:crypto';
import {
  errorWords,
  HEARTBEAT_LIFE_MS,
  type Log,
  MAX_REPORTED_ENGINES,
  MAX_REPORTED_VOICES,
  type ReportedWorkerState,
} from '@taleback/core';
import type { SendOnce, TryOutcome } from '@taleback/outbox';
import { type Clock, classifyHttpStatus, tryWithDeadline, wait } from '@taleback/resilience';
import type { EngineStatus } from '@taleback/speech/operations';
import type { StreamHealth } from '../health/stream.ts';

/** The receiver takes bodies of 262,144 bytes; the rest is for proxies in front of it. */
const MAX_BODY_BYTES = 250_000;

/** The state of a worker and its engines. */
export interface WorkerSnapshot {
  readonly engines: readonly EngineStatus[];
  /** Of the worker's program. */
  readonly version?: string | undefined;
  readonly state?: ReportedWorkerState | undefined;
  /** Narrations that it can run at the same time. */
  readonly capacity?: number | undefined;
  readonly queueDepth?: number | undefined;
  readonly inFlight?: number | undefined;
  /** Unix milliseconds. */
  readonly startedAtMs?: number | undefined;
  /** The last deletion that was applied. */
  readonly deletionsAfter?: string | undefined;
}

/** Equal for snapshots that are no news to each other: load and counts change all the time, and are only sent along. */
const newsOf = ({ engines, version, state, capacity, deletionsAfter }: WorkerSnapshot): string => {
  const counts = { consecutiveFailures: 0, lastFailure: 0, lastSuccessAtMs: 0 };
  // After a deletion, the next ones are asked for soon.
  return JSON.stringify([
    version,
    state,
    capacity,
    deletionsAfter,
    engines.map((engine) => ({ ...engine, ...counts })),
  ]);
};

const engineOf = (engine: EngineStatus, maxVoices: number) => ({
  name: engine.name,
  state: engine.state,
  reason: engine.reason ?? null,
  error_type: engine.errorCode ?? null,
  languages: engine.languages,
  clones_voices: engine.clonesVoices ?? null,
  breaker: engine.breaker ?? null,
  retry_at: engine.retryAtMs ?? null,
  consecutive_failures: engine.consecutiveFailures ?? null,
  last_failure_type: engine.lastFailure?.code ?? null,
  last_failure_at: engine.lastFailure?.atMs ?? null,
  last_success_at: engine.lastSuccessAtMs ?? null,
  voices: engine.voices.slice(0, maxVoices).map(({ isCloned, isPrivate = isCloned, ...voice }) => {
    const { id, name, languages, gender, accent, remark } = voice;
    return { id, name, languages, gender, accent, remark, is_private: isPrivate ?? false };
  }),
});

/** The engines with at most so many voices together, the first engines first. */
const enginesOf = (engines: readonly EngineStatus[], maxVoices: number) => {
  let room = maxVoices;
  return engines.slice(0, MAX_REPORTED_ENGINES).map((engine) => {
    const sent = engineOf(engine, room);
    room -= sent.voices.length;
    return sent;
  });
};

/**
 * The body of `POST /api/tts/heartbeat`; absent values are null, as in all our messages. If it is larger than the
 * receiver takes, only the first voices are in it.
 *
 * @param nowMs unix milliseconds
 */
export const encodeHeartbeat = (workerId: string, snapshot: WorkerSnapshot, nowMs: number): Uint8Array => {
  for (let maxVoices = MAX_REPORTED_VOICES; ; maxVoices = Math.floor(maxVoices / 2)) {
    const text = JSON.stringify({
      worker_id: workerId,
      version: snapshot.version ?? null,
      state: snapshot.state ?? null,
      engines: enginesOf(snapshot.engines, maxVoices),
      capacity: snapshot.capacity ?? null,
      queue_depth: snapshot.queueDepth ?? null,
      in_flight: snapshot.inFlight ?? null,
      started_at: snapshot.startedAtMs ?? null,
      expires_at: Math.floor(nowMs) + HEARTBEAT_LIFE_MS,
      deletions_after: snapshot.deletionsAfter ?? null,
    });
    const body = Buffer.from(text);
    if (body.byteLength <= MAX_BODY_BYTES || maxVoices === 0) return body;
  }
};

export interface HeartbeatOptions {
  /** Where the receiver takes heartbeats, such as `https://tales.example/api/tts/heartbeat`. */
  readonly url: string;
  readonly workerId: string;
  /** The state now; cheap, because it is read every few seconds. */
  readonly snapshot: () => WorkerSnapshot;
  readonly sendOnce: SendOnce;
  /** Takes the answer to a heartbeat that was accepted; it must not reject, and is not waited for. */
  readonly onAnswer?: ((answer: string) => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Heartbeats {
  /** Open while the last heartbeat was accepted. */
  health(): StreamHealth;
  /** Sends a last heartbeat, if any was accepted before: the worker stops. Takes two seconds at most; never rejects. */
  close(): Promise<void>;
}

/** Shortest time between two heartbeats, and how often news is looked for, ms. */
const LEAST_MS = 5_000;
/** Longest time between two heartbeats that say the same, ms: a fifth of how long one is valid. */
const MOST_MS = 60_000;
/** Longest wait for an answer, ms. */
const ANSWER_MS = 10_000;
/** Of a refusal, for the log. */
const MAX_CAUSE_CHARACTERS = 300;
/** Longest wait for the answer to the last heartbeat, ms: it delays the stop. */
const LAST_ANSWER_MS = 2_000;

/**
 * How long to wait after an outcome, ms. A receiver that does not answer is asked less and less often; one that would
 * refuse the same words again, once a minute; a Retry-After is obeyed, up to a minute.
 *
 * @param failures heartbeats in a row that were not accepted before this one
 */
const decideWait = (outcome: TryOutcome, failures: number, nowMs: number): number => {
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

/** Reports the state of this worker and its engines: now, soon after a change, and every minute. */
export const startHeartbeats = (options: HeartbeatOptions): Heartbeats => {
  const { url, workerId, snapshot, sendOnce, onAnswer, clock, log } = options;
  const stopping = new AbortController();
  let accepted: { readonly news: string; readonly atMs: number } | undefined;
  let lastKind: string | undefined;
  let health: StreamHealth = { open: false, sinceMs: clock.now(), failures: 0, reason: 'None was sent yet.' };

  /** Counts an outcome, and logs it unless it is like the one before. */
  const note = (kind: string, cause?: string): void => {
    const open = cause === undefined;
    health = {
      open,
      sinceMs: open === health.open ? health.sinceMs : clock.now(),
      failures: health.failures + Number(!open),
      ...(open ? {} : { reason: `Heartbeats are not accepted: ${cause}.` }),
    };
    if (kind === lastKind) return;
    const isRecovery = lastKind !== undefined;
    lastKind = kind;
    if (cause !== undefined) log('warn', 'heartbeat not accepted', { url, cause });
    else log('info', isRecovery ? 'heartbeat accepted again' : 'heartbeat accepted', { url });
  };

  const send = async (state: WorkerSnapshot, limitMs: number, signal?: AbortSignal): Promise<TryOutcome> => {
    const body = encodeHeartbeat(workerId, state, clock.now());
    const message = { url, messageId: `heartbeat_${randomUUID()}`, body };
    let outcome: TryOutcome;
    try {
      const end = await tryWithDeadline((inner) => sendOnce(message, inner), limitMs, { clock, signal });
      const late: TryOutcome = { kind: 'unanswered', cause: `no answer within ${limitMs} ms` };
      outcome = end.kind === 'completed' ? end.value : late;
    } catch (fault) {
      outcome = { kind: 'unanswered', cause: errorWords(fault) };
    }
    if (signal?.aborted === true) return outcome;
    if (outcome.kind === 'accepted') {
      note('accepted');
      void onAnswer?.(outcome.excerpt ?? '');
    } else if (outcome.kind === 'not-accepted') {
      const answer = `answered ${outcome.status}`;
      note(answer, `${answer}: ${outcome.excerpt.slice(0, MAX_CAUSE_CHARACTERS)}`);
    } else note(outcome.kind, outcome.cause);
    return outcome;
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      let waitMs = LEAST_MS;
      try {
        const state = snapshot();
        const news = newsOf(state);
        if (accepted?.news !== news || clock.now() - accepted.atMs >= MOST_MS) {
          const outcome = await send(state, ANSWER_MS, signal);
          if (signal.aborted) return;
          waitMs = decideWait(outcome, failures, clock.now());
          const isAccepted = outcome.kind === 'accepted';
          failures = isAccepted ? 0 : failures + 1;
          if (isAccepted) accepted = { news, atMs: clock.now() };
        }
      } catch (fault) {
        note('no snapshot', errorWords(fault));
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
      await send({ ...snapshot(), state: 'stopping' }, LAST_ANSWER_MS);
    } catch (fault) {
      note('no snapshot', errorWords(fault));
    }
  };
  return { health: () => health, close: () => (closing ??= sayStopping()) };
};
