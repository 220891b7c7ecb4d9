import { describeError, type ErrorCode, type TalebackError, toTalebackError } from '@taleback/core';
import {
  AdaptiveTimeout,
  type CallOutcome,
  type Clock,
  type ComposedPolicies,
  compose,
  createPolicies,
  type Policies,
  type Random,
} from '@taleback/resilience';
import { durationMsOf, type Pcm } from '../audio/index.ts';
import type { RemoteEngine, SpeechChunk, SynthesisOptions } from '../engines/index.ts';
import type { Log, PoolSnapshot, SynthesisListener } from '../status/index.ts';
import type { SpeechLine } from '../manager/line-index.ts';
import { closing } from '../pool/worker-errors.ts';
import { engineError, outcomeError } from './outcome-error.ts';
import { ServiceRecord } from './service-record.ts';
import { ServiceWatch } from './service-watch.ts';
import { Turn, type Turns } from './turn.ts';

export interface RemoteLineOptions {
  readonly engine: RemoteEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tell: SynthesisListener;
  /** Told when a chunk failed for good for a reason that lies with the service. */
  readonly onServiceFailure?: ((error: TalebackError) => void) | undefined;
}

/** 64 stories at once (the most of JOB_CONCURRENCY), ten pieces of each ahead. */
const MOST_QUEUED = 640;
/** Never less than this for one request, ms. @see seed 003: 15 s */
const LEAST_TIMEOUT_MS = 15_000;
/** Never more, ms. @see seed 000: the 180 s that let requests hang */
const MOST_TIMEOUT_MS = 180_000;

/** Sound that does not fit its text: one odd text would shut the service for everybody. */
const OF_THE_TEXT: ReadonlySet<ErrorCode> = new Set(['audio_silent', 'audio_implausible', 'job_cancelled']);

/** What is wrong with the story, or with the voice that was chosen, says nothing against the service. */
const speaksAgainstService = ({ code }: TalebackError): boolean => {
  const { category } = describeError(code);
  return category !== 'input' && category !== 'voice' && !OF_THE_TEXT.has(code);
};

/**
 * The line of an engine that is reached across a network: its queue, its retries, its rate and its circuit breaker, in
 * the numbers of the engine's policy. It counts as one worker that lives elsewhere.
 *
 * @see seed 000, "Request queue and concurrency limits", and the policies in resilience
 */
export class RemoteLine implements SpeechLine {
  readonly #options: RemoteLineOptions;
  readonly #policies: Policies;
  readonly #call: ComposedPolicies;
  readonly #timeouts: AdaptiveTimeout;
  readonly #record: ServiceRecord;
  readonly #watch: ServiceWatch;
  readonly #turns: Turns = new Set();
  #isClosing = false;
  #closed: Promise<void> | undefined;

  constructor(options: RemoteLineOptions) {
    const { engine, clock, random, log, tell } = options;
    const { name, policy } = engine;
    this.#options = options;
    const bulkhead = policy.bulkhead && {
      ...policy.bulkhead,
      maxQueued: Math.max(policy.bulkhead.maxQueued, MOST_QUEUED),
    };
    this.#policies = createPolicies(bulkhead === undefined ? policy : { ...policy, bulkhead }, {
      classify: (error) => {
        const { retryable, retryAfterMs } = engineError(error, name);
        return { retryable, retryAfterMs };
      },
      isFailure: (error) => speaksAgainstService(engineError(error, name)),
      clock,
      random,
    });
    this.#call = compose({
      ...this.#policies,
      onRetry: ({ attempt, error }) =>
        tell({ kind: 'retried', code: engineError(error, name).code, attempt: attempt + 1 }),
    });
    this.#timeouts = new AdaptiveTimeout({
      defaultMs: policy.timeoutMs,
      minMs: Math.min(LEAST_TIMEOUT_MS, policy.timeoutMs),
      maxMs: Math.max(MOST_TIMEOUT_MS, policy.timeoutMs),
    });
    this.#record = new ServiceRecord(name, clock.now());
    this.#watch = new ServiceWatch({
      engine,
      clock,
      log,
      isBusy: () => this.#turns.size > 0,
      // An open breaker finds out by itself that its service is back.
      isDueForTrial: () => this.#policies.breaker?.status().state === 'HALF_OPEN',
      trial: (chunk) => this.speak(chunk),
      onFault: (error) => options.onServiceFailure?.(error),
    });
    this.#policies.breaker?.onChange(({ from, to, cause }) => {
      tell({ kind: 'breaker-changed', workerId: name, from: from.kind, to: to.kind, cause });
    });
  }

  /** Learns what it can about the service. One that is away now may be back when it is needed. */
  async start(): Promise<void> {
    await this.#watch.start();
  }

  async speak(chunk: SpeechChunk, { signal, priority, tenant }: SynthesisOptions = {}): Promise<Pcm> {
    const { clock, tell } = this.#options;
    if (this.#isClosing) throw closing();
    const acceptedAtMs = clock.now();
    tell({ kind: 'accepted', priority: priority ?? 'normal' });
    const turn = new Turn(this.#turns, signal);
    try {
      const request = { signal: turn.signal, priority, tenant };
      const sound = await turn.until(clock, () => this.#attempts(chunk, request, acceptedAtMs));
      tell({
        kind: 'ended',
        outcome: 'spoken',
        latencyMs: clock.now() - acceptedAtMs,
        audioMs: durationMsOf(sound.samples.length, sound.sampleRateHz),
        characters: chunk.text.length,
      });
      return sound;
    } catch (thrown) {
      const error = toTalebackError(thrown);
      const isOurs = turn.signal.aborted || error.code === 'queue_full';
      if (!isOurs && speaksAgainstService(error)) this.#serviceFailed(error);
      tell({ kind: 'ended', outcome: 'failed', latencyMs: clock.now() - acceptedAtMs, code: error.code });
      throw error;
    } finally {
      turn.end();
    }
  }

  #serviceFailed(error: TalebackError): void {
    this.#options.onServiceFailure?.(error);
    this.#watch.lookSoon();
  }

  /** All attempts at one chunk, once. @returns how long to wait before asking again, when only a turn was missing */
  async #attempts(
    chunk: SpeechChunk,
    request: SynthesisOptions,
    acceptedAtMs: number,
  ): Promise<{ readonly sound: Pcm } | { readonly waitMs: number }> {
    const { engine, clock, tell } = this.#options;
    const outcome = await this.#call.run(
      async ({ attempt, signal }) => {
        const sentAtMs = clock.now();
        if (attempt === 1) {
          tell({ kind: 'dispatched', workerId: engine.name, waitedMs: sentAtMs - acceptedAtMs });
        }
        this.#record.began();
        try {
          const sound = await engine.synthesizeChunk(chunk, { ...request, signal });
          this.#watch.spoke();
          this.#attemptEnded(chunk, sentAtMs, undefined);
          return sound;
        } catch (error) {
          this.#attemptEnded(chunk, sentAtMs, engineError(error, engine.name));
          throw error;
        }
      },
      { ...request, timeoutMs: this.#timeouts.timeoutMs(chunk.text.length) },
    );
    if (outcome.kind === 'succeeded') return { sound: outcome.value };
    const waitMs = shortWait(outcome);
    if (waitMs !== undefined) return { waitMs };
    throw outcomeError(outcome, engine.name);
  }

  #attemptEnded(chunk: SpeechChunk, sentAtMs: number, error: TalebackError | undefined): void {
    const { engine, clock, tell } = this.#options;
    const generationMs = clock.now() - sentAtMs;
    const isSound = error === undefined || !speaksAgainstService(error);
    this.#record.ended(isSound, generationMs, clock.now());
    if (isSound || error.code === 'timed_out') this.#timeouts.observe(chunk.text.length, generationMs);
    const end =
      error === undefined ? { outcome: 'spoken' as const } : { outcome: 'failed' as const, code: error.code };
    tell({ kind: 'attempt-ended', workerId: engine.name, generationMs, ...end });
  }

  snapshot(): PoolSnapshot {
    const queued = this.#policies.bulkhead?.status().queued ?? { high: 0, normal: 0, low: 0 };
    return {
      mode: 'remote',
      queueDepth: queued.high + queued.normal + queued.low,
      queued,
      inFlight: this.#record.inFlight,
      workers: [
        this.#record.snapshot({
          breaker: this.#policies.breaker?.status(),
          fault: this.#watch.fault,
          model: this.#watch.model,
          nowMs: this.#options.clock.now(),
        }),
      ],
    };
  }

  resetBreakers(): void {
    this.#policies.breaker?.reset();
    this.#watch.lookSoon();
  }

  close(drainMs = 0): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    this.#watch.stop();
    await Turn.drain(this.#turns, this.#options.clock, drainMs);
    for (const turn of this.#turns) turn.abort(closing());
    await Turn.drain(this.#turns, this.#options.clock, Number.POSITIVE_INFINITY);
  }
}

/**
 * What only its own rate, or a trial that runs, kept from the service waits for its turn: a story of thirty chunks is
 * no fault, however few are allowed in a minute.
 */
const shortWait = (outcome: Exclude<CallOutcome<Pcm>, { kind: 'succeeded' }>): number | undefined => {
  if (outcome.kind !== 'rejected' || outcome.retryAfterMs === undefined) return undefined;
  const isTurn =
    outcome.by === 'rate-limit' || (outcome.by === 'breaker' && outcome.reason === 'trial-running');
  return isTurn ? outcome.retryAfterMs : undefined;
};
