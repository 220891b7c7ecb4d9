import { setMaxListeners } from 'node:events';
import {
  Bulkhead,
  type Classification,
  type Clock,
  classifyHttpStatus,
  type Random,
  type RetryOutcome,
  retry,
} from '@taleback/resilience';
import { deferred } from './deferred.ts';
import { refusedForSize } from './encode-result.ts';
import type { HttpAnswer } from './http.ts';
import { MAX_RETRY_AFTER_MS, RESULT_BACKOFF, RESULT_LIFETIME_MS, RESULTS_AT_ONCE } from './pacing.ts';
import type { Platform } from './platform.ts';
import type { RunpodLog } from './protocol.ts';
import { errorText } from './result-body.ts';
import type { PendingResult, ResultOutbox } from './result-outbox.ts';

export interface ResultSenderParts {
  readonly platform: Platform;
  readonly outbox: ResultOutbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RunpodLog;
}

/** A result on its way. Neither promise rejects. */
export interface Sending {
  /** Settles with the first try, whatever came of it. */
  readonly tried: Promise<void>;
  /** Settles when the result is accepted, refused for good, or left in the outbox because the worker ends. */
  readonly over: Promise<void>;
}

class NotAccepted extends Error {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super(`answered ${answer.status}: ${answer.body.slice(0, 300)}`);
    this.answer = answer;
  }
}

/** No answer is worth another try, and so is every answer that is not a lasting no. */
const classify = (error: unknown, nowMs: number): Classification => {
  if (!(error instanceof NotAccepted)) return { retryable: true };
  const { status, retryAfter } = error.answer;
  const { retryable, retryAfterMs } = classifyHttpStatus(status, retryAfter, nowMs);
  return {
    retryable: retryable || status < 400 || status >= 500,
    retryAfterMs: Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS),
  };
};

/** Above this a 400 is put down to the size. @see runpod-python#309 */
const SUSPICIOUS_BYTES = 10 * 1024 * 1024;

const isForItsSize = (error: unknown, sizeBytes: number): boolean =>
  error instanceof NotAccepted &&
  (error.answer.status === 413 || (error.answer.status === 400 && sizeBytes > SUSPICIOUS_BYTES));

/** Sends results until the platform accepts or refuses each. */
export class ResultSender {
  readonly #parts: ResultSenderParts;
  readonly #lanes = new Bulkhead({ maxConcurrent: RESULTS_AT_ONCE, maxQueued: Number.MAX_SAFE_INTEGER });
  readonly #closing = new AbortController();
  readonly #sendings = new Map<string, { readonly jobId: string; readonly over: Promise<void> }>();

  constructor(parts: ResultSenderParts) {
    this.#parts = parts;
    // Every result that waits listens to it.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Results that are neither accepted nor refused. */
  get waiting(): number {
    return this.#sendings.size;
  }

  /** Jobs whose result is neither accepted nor refused. */
  get jobIds(): readonly string[] {
    return [...this.#sendings.values()].map(({ jobId }) => jobId);
  }

  /** Keeps the result, then sends it. When it cannot be kept it is sent all the same. */
  async post(result: PendingResult): Promise<Sending> {
    try {
      await this.#parts.outbox.keepResult(result);
    } catch (error) {
      const about = { jobId: result.jobId, error: errorText(error) };
      this.#parts.log('error', 'result not kept; a crash would lose it', about);
    }
    return this.postKept(result);
  }

  /** Sends a result that the outbox holds already. */
  postKept(result: PendingResult): Sending {
    const { promise: tried, resolve: markTried } = deferred();
    const over = this.#deliver(result, markTried).finally(() => this.#sendings.delete(result.key));
    this.#sendings.set(result.key, { jobId: result.jobId, over });
    return { tried, over };
  }

  /** Settles when nothing is on its way. */
  async drained(): Promise<void> {
    while (this.#sendings.size > 0) {
      await Promise.all([...this.#sendings.values()].map(({ over }) => over));
    }
  }

  /** Ends every try and wait; what is not accepted stays in the outbox. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the worker ends'));
    await this.drained();
  }

  async #deliver(result: PendingResult, markTried: () => void): Promise<void> {
    const { log, outbox } = this.#parts;
    const { jobId, key } = result;
    const outcome = await this.#try(result, markTried);
    markTried();
    try {
      if (outcome.kind === 'succeeded') return await outbox.forget(key);
      if (outcome.kind === 'aborted') {
        return log('warn', 'result left in the outbox', { jobId, attempts: outcome.attempts });
      }
      const sizeBytes = Buffer.byteLength(result.body);
      if (isForItsSize(outcome.lastError, sizeBytes)) {
        log('error', 'result refused for its size', { jobId, sizeBytes });
        await this.post({ ...result, key: `${key}-size`, body: JSON.stringify(refusedForSize(sizeBytes)) });
        return await outbox.forget(key);
      }
      const reason = errorText(outcome.lastError);
      log('error', 'result refused', { jobId, reason });
      await outbox.refuse(result, reason);
    } catch (error) {
      log('error', 'outbox not updated', { jobId, error: errorText(error) });
    }
  }

  #try(result: PendingResult, markTried: () => void): Promise<RetryOutcome<void>> {
    const { platform, clock, random, log } = this.#parts;
    const { jobId, url, body } = result;
    const isOld = (): boolean => clock.now() - result.keptAtMs > RESULT_LIFETIME_MS;
    const tryOnce = async (signal: AbortSignal | undefined): Promise<void> => {
      try {
        const asked = await platform.postResult(url, jobId, body, signal ?? this.#closing.signal);
        if (asked.kind !== 'completed') throw new Error(`no answer: ${asked.kind}`);
        if (asked.value.status < 200 || asked.value.status > 299) throw new NotAccepted(asked.value);
      } finally {
        markTried();
      }
    };
    return retry(({ signal }) => this.#lanes.run(() => tryOnce(signal)), {
      maxAttempts: Number.MAX_SAFE_INTEGER,
      backoff: RESULT_BACKOFF,
      classify: (error) => (isOld() ? { retryable: false } : classify(error, clock.now())),
      onRetry: ({ attempt, error, delayMs }) =>
        log('warn', 'result not accepted yet', { jobId, attempt, delayMs, reason: errorText(error) }),
      clock,
      random,
      signal: this.#closing.signal,
    });
  }
}
