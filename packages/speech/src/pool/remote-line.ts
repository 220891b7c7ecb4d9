import { type ErrorCode, TalebackError, toTalebackError } from '@taleback/core';
import {
  AdaptiveTimeout,
  type CallOutcome,
  type ComposedPolicies,
  compose,
  createPolicies,
  tryWithDeadline,
  wait,
} from '@taleback/resilience';
import type { Pcm } from '../audio/pcm.ts';
import { cancellationOf } from '../cancellation.ts';
import type { RemoteEngine, SpeechChunk, SynthesisOptions } from '../engines/engine.ts';
import { breakerChanged, engineError, reportBreaker } from './breaker-report.ts';
import { ServiceProbes } from './service-probes.ts';
import { closing, countsAgainstWorker } from './speech-job.ts';
import {
  attemptEnded,
  type AttemptEnd,
  type LineOptions,
  type PoolSnapshot,
  requestSpoken,
  type SpeechLine,
  type WorkerSnapshot,
} from './speech-line.ts';
import { WorkerHealth } from './worker-health.ts';

/** 64 stories at once (the maximum of JOB_CONCURRENCY), ten pieces of each ahead. */
const MIN_QUEUE = 640;
/** Least time for one attempt, ms. @see docs/origins.md#timeouts */
const MIN_TIMEOUT_MS = 15_000;

/** Sound that does not fit its text: one odd text would close the service to everyone. */
const OF_THE_TEXT: ReadonlySet<ErrorCode> = new Set(['audio_silent', 'audio_implausible', 'job_cancelled']);

const countsAgainstService = (error: TalebackError): boolean =>
  countsAgainstWorker(error) && !OF_THE_TEXT.has(error.code);

/**
 * The line of a remote engine: its queue, retries, rate limit and circuit breaker, in the numbers of the engine's policy.
 * The service is shown as one worker.
 *
 * @see docs/origins.md#concurrency
 */
export class RemoteLine implements SpeechLine {
  readonly #engine: RemoteEngine;
  readonly #options: Omit<LineOptions, 'workerPrefix'>;
  readonly #policies: ReturnType<typeof createPolicies>;
  readonly #call: ComposedPolicies;
  readonly #timeouts: AdaptiveTimeout;
  /** For all attempts at one request, with the waits between them. */
  readonly #deadlineMs: number;
  readonly #probes: ServiceProbes;
  /** It is not pinged between requests, so its silence means nothing. */
  readonly #health: WorkerHealth;
  readonly #requests = new Map<AbortController, Promise<unknown>>();
  /** Attempts in progress. */
  #inFlight = 0;
  #shown: Pick<WorkerSnapshot, 'state' | 'sinceMs'>;
  #isClosing = false;
  #closed: Promise<void> | undefined;

  constructor(engine: RemoteEngine, options: Omit<LineOptions, 'workerPrefix'>) {
    const { config, clock, random, log, publish, onServiceFailure = () => {} } = options;
    const { name, policy } = engine;
    this.#deadlineMs = Math.max(config.retry.deadlineMs, policy.timeoutMs);
    this.#engine = engine;
    this.#options = options;
    const bulkhead = policy.bulkhead && {
      ...policy.bulkhead,
      maxQueued: Math.max(policy.bulkhead.maxQueued, MIN_QUEUE),
    };
    this.#policies = createPolicies(bulkhead === undefined ? policy : { ...policy, bulkhead }, {
      classify: (error) => {
        const { retryable, retryAfterMs } = engineError(error, name);
        return { retryable, retryAfterMs };
      },
      isFailure: (error) => countsAgainstService(engineError(error, name)),
      clock,
      random,
    });
    this.#call = compose({
      ...this.#policies,
      onRetry: ({ attempt, error }) =>
        publish({
          kind: 'retried',
          engine: name,
          code: engineError(error, name).code,
          attempt: attempt + 1,
        }),
    });
    this.#timeouts = new AdaptiveTimeout({
      defaultMs: policy.timeoutMs,
      minMs: Math.min(MIN_TIMEOUT_MS, policy.timeoutMs),
      maxMs: policy.isTimeoutFixed === true ? policy.timeoutMs : this.#deadlineMs,
    });
    this.#health = new WorkerHealth(Number.MAX_SAFE_INTEGER, clock.now());
    this.#shown = { state: 'READY', sinceMs: clock.now() };
    this.#probes = new ServiceProbes({
      engine,
      clock,
      log,
      isBusy: () => this.#requests.size > 0,
      policies: this.#policies,
      onFault: onServiceFailure,
    });
    const { breaker } = this.#policies;
    breaker.onChange((change) => publish(breakerChanged(breaker, name, change)));
  }

  async start(): Promise<void> {
    await this.#probes.start();
  }

  test = (): Promise<void> => this.#probes.test();

  async speak(chunk: SpeechChunk, { signal, priority, tenant }: SynthesisOptions = {}): Promise<Pcm> {
    const { clock, publish } = this.#options;
    if (this.#isClosing) throw closing();
    const acceptedAtMs = clock.now();
    publish({ kind: 'accepted', priority: priority ?? 'normal' });
    const stop = new AbortController();
    // By hand: `AbortSignal.any` leaves something behind in a signal that lives long.
    const follow = (): void => stop.abort(signal?.reason);
    if (signal?.aborted === true) follow();
    else signal?.addEventListener('abort', follow, { once: true });
    const request = this.#speak(chunk, { signal: stop.signal, priority, tenant }, acceptedAtMs);
    this.#requests.set(stop, request);
    try {
      const sound = await request;
      publish(requestSpoken(clock.now() - acceptedAtMs, sound, chunk.text));
      return sound;
    } catch (thrown) {
      const error = toTalebackError(thrown);
      const isOurs = stop.signal.aborted || error.code === 'queue_full';
      if (!isOurs && countsAgainstService(error)) {
        this.#options.onServiceFailure?.(error);
        this.#probes.probeSoon();
      }
      publish({ kind: 'ended', outcome: 'failed', latencyMs: clock.now() - acceptedAtMs, code: error.code });
      throw error;
    } finally {
      this.#requests.delete(stop);
      signal?.removeEventListener('abort', follow);
    }
  }

  /**
   * Repeats the attempts while the only obstacle is the rate limit, or a trial in progress. The deadline begins with the
   * first attempt.
   */
  async #speak(
    chunk: SpeechChunk,
    request: SynthesisOptions & { readonly signal: AbortSignal },
    acceptedAtMs: number,
  ): Promise<Pcm> {
    const { signal } = request;
    const { clock } = this.#options;
    let begunMs: number | undefined;
    const begin = (): void => void (begunMs ??= clock.now());
    const leftMs = (): number => this.#deadlineMs - (begunMs === undefined ? 0 : clock.now() - begunMs);
    for (;;) {
      if (signal.aborted) throw cancellationOf(signal);
      const budgetMs = leftMs();
      const attempts = this.#attempts(chunk, { ...request, budgetMs }, acceptedAtMs, begin);
      const outcome = await attempts.catch((error: unknown) => {
        throw signal.aborted ? cancellationOf(signal) : error;
      });
      if (outcome.kind === 'succeeded') return outcome.value;
      const waitMs = shortWaitMs(outcome);
      if (waitMs === undefined || (begunMs !== undefined && waitMs >= leftMs())) {
        if (signal.aborted) throw cancellationOf(signal);
        const error = outcomeError(outcome, this.#engine.name);
        const { code, retryAfterMs } = error;
        if (code === 'circuit_open')
          this.#options.publish({ kind: 'breaker-rejected', engine: this.#engine.name, retryAfterMs });
        throw error;
      }
      await wait(clock, waitMs, signal);
    }
  }

  #attempts(
    chunk: SpeechChunk,
    request: SynthesisOptions & { readonly budgetMs: number },
    acceptedAtMs: number,
    onBegin: () => void,
  ): Promise<CallOutcome<Pcm>> {
    const { clock, publish } = this.#options;
    const { name } = this.#engine;
    return this.#call.run(
      async ({ attempt, signal }) => {
        const sentAtMs = clock.now();
        onBegin();
        if (attempt === 1) publish({ kind: 'dispatched', workerId: name, waitedMs: sentAtMs - acceptedAtMs });
        this.#inFlight += 1;
        try {
          const sound = await this.#engine.synthesizeChunk(chunk, { ...request, signal });
          this.#attemptEnded(chunk, sentAtMs, { kind: 'spoken', sound });
          return sound;
        } catch (error) {
          this.#attemptEnded(chunk, sentAtMs, { kind: 'failed', error: engineError(error, name) });
          throw error;
        }
      },
      { ...request, timeoutMs: (attempt) => this.#timeouts.timeoutMs(chunk.text.length, attempt) },
    );
  }

  #attemptEnded({ text }: SpeechChunk, sentAtMs: number, end: AttemptEnd<TalebackError>): void {
    const { clock, publish } = this.#options;
    const generationMs = clock.now() - sentAtMs;
    const isSound = end.kind === 'spoken' || !countsAgainstService(end.error);
    this.#inFlight -= 1;
    this.#health.answered(isSound, generationMs);
    if (end.kind === 'spoken') this.#probes.fault = undefined;
    if (end.kind === 'spoken') this.#timeouts.observe(text.length, generationMs);
    publish(attemptEnded(this.#engine.name, end, generationMs));
  }

  snapshot(): PoolSnapshot {
    const queued = this.#policies.bulkhead?.status().queued ?? { high: 0, normal: 0, low: 0 };
    return {
      mode: 'remote',
      queueDepth: queued.high + queued.normal + queued.low,
      queued,
      inFlight: this.#inFlight,
      workers: [this.#worker()],
    };
  }

  #worker(): WorkerSnapshot {
    const nowMs = this.#options.clock.now();
    const { fault, model } = this.#probes;
    const state = fault !== undefined ? 'UNHEALTHY' : this.#inFlight > 0 ? 'BUSY' : 'READY';
    if (state !== this.#shown.state) this.#shown = { state, sinceMs: nowMs };
    return {
      id: this.#engine.name,
      ...this.#shown,
      model,
      inFlight: this.#inFlight,
      restarts: 0,
      ...this.#health.snapshot(),
      healthScore: fault === undefined ? this.#health.score(nowMs) : 0,
      ...reportBreaker(this.#policies.breaker, this.#engine.name, nowMs),
      fault: fault && { code: fault.code, message: fault.message },
    };
  }

  resetBreakers(): void {
    this.#health.forget();
    this.#policies.breaker.reset();
    this.#probes.probeSoon();
  }

  close(drainMs = 0): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#isClosing = true;
    this.#probes.stop();
    const allEnded = (): Promise<unknown> => Promise.allSettled(this.#requests.values());
    if (drainMs > 0 && this.#requests.size > 0) await tryWithDeadline(allEnded, drainMs, { clock });
    for (const stop of this.#requests.keys()) stop.abort(closing());
    await allEnded();
  }
}

type Failure = Exclude<CallOutcome<Pcm>, { kind: 'succeeded' }>;

/** A story of thirty chunks is no fault, however few requests a minute are allowed. */
const shortWaitMs = (outcome: Failure): number | undefined => {
  if (outcome.kind !== 'rejected') return undefined;
  const isTrialRunning = outcome.by === 'breaker' && outcome.reason === 'trial-running';
  return outcome.by === 'rate-limit' || isTrialRunning ? outcome.retryAfterMs : undefined;
};

/** Why a service was not called, or what its last answer was. */
const outcomeError = (outcome: Failure, engine: string): TalebackError => {
  if (outcome.kind !== 'rejected') return engineError(outcome.lastError, engine);
  const { by, reason, retryAfterMs, lastError } = outcome;
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (by === 'bulkhead') {
    const details = { details: reason };
    return new TalebackError('queue_full', `Too many texts are waiting for ${engine}.`, details);
  }
  if (by === 'rate-limit' && lastError === undefined)
    return new TalebackError('provider_rate_limited', `${engine} is asked as often as it may be.`, later);
  // It opened during the attempts: the error that opened it says more than the refusal.
  if (lastError !== undefined) return engineError(lastError, engine);
  return new TalebackError('circuit_open', `The speech service ${engine} has failed too often.`, {
    details: `the circuit breaker of ${engine} is ${reason}`,
    ...later,
  });
};
