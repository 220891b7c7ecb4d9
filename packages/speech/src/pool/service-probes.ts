import { type Log, TalebackError, toTalebackError } from '@taleback/core';
import { type Clock, isResilienceError, withDeadline } from '@taleback/resilience';
import type { RemoteEngine, SpeechChunk } from '../engines/engine.ts';

export interface ServiceProbesOptions {
  readonly engine: RemoteEngine;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether requests are in progress: some services answer nothing else meanwhile. */
  readonly isBusy: () => boolean;
  readonly isHalfOpen: () => boolean;
  readonly trial: (chunk: SpeechChunk) => Promise<unknown>;
  /** Called when a probe finds something wrong that the one before did not. */
  readonly onFault: (error: TalebackError) => void;
}

/** Time for one probe, ms. @see docs/origins.md#diagnostics */
const PROBE_TIMEOUT_MS = 5_000;
/** Between probes of a healthy service, ms: its voices may change. */
const HEALTHY_INTERVAL_MS = 300_000;
/** Between probes of one that is not, and checks of its breaker, ms. */
const INTERVAL_MS = 15_000;
/** At least this between two probes, ms. */
const MIN_INTERVAL_MS = 5_000;
/** Costs almost nothing, even where characters are paid for. */
const TRIAL_TEXT = 'Yes.';

/** What an attempt threw, as a TalebackError. */
export const engineError = (error: unknown, engine: string): TalebackError =>
  isResilienceError(error) && error.code === 'deadline-exceeded'
    ? new TalebackError('timed_out', `The speech service ${engine} took too long.`, {
        details: `no answer within ${error.details['timeoutMs']} ms`,
        cause: error,
      })
    : toTalebackError(error);

/**
 * Probes a remote service from time to time: whether it can speak, which voices it has, and, once its breaker is half-open,
 * whether a word comes back.
 *
 * @see docs/origins.md#health-checks-and-rate-limits
 */
export class ServiceProbes {
  /** What the last probe found wrong; sound that was spoken since ends it. */
  fault: TalebackError | undefined;
  /** What its sound depends on, as the last probe reported it. */
  model: string | undefined;
  readonly #options: ServiceProbesOptions;
  #isKnown = false;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  #stopTimer: () => void = () => {};

  constructor(options: ServiceProbesOptions) {
    this.#options = options;
  }

  /** Probes once, then periodically. A service that is away now may be back when it is needed. */
  async start(): Promise<void> {
    await this.#probe();
    this.#schedule();
  }

  /** Probes before it is time. */
  probeSoon(): void {
    const isRecent = this.#options.clock.now() - this.#probedAtMs < MIN_INTERVAL_MS;
    if (isRecent || !this.#isKnown) return;
    this.#probedAtMs = Number.NEGATIVE_INFINITY;
    this.#schedule(0);
  }

  stop(): void {
    this.#isOver = true;
    this.#stopTimer();
  }

  #schedule(delayMs = INTERVAL_MS): void {
    this.#stopTimer();
    if (!this.#isOver) this.#stopTimer = this.#options.clock.setTimer(() => void this.#round(), delayMs);
  }

  async #round(): Promise<void> {
    const sinceProbeMs = this.#options.clock.now() - this.#probedAtMs;
    if (this.fault !== undefined || sinceProbeMs >= HEALTHY_INTERVAL_MS) await this.#probe();
    await this.#try();
    this.#schedule();
  }

  async #probe(): Promise<void> {
    const { engine, clock, log, isBusy, onFault } = this.#options;
    if (isBusy()) return;
    this.#probedAtMs = clock.now();
    const before = this.fault?.code;
    try {
      const probe = (signal: AbortSignal) => engine.probe(signal);
      const { details, model, latencyMs } = await withDeadline(probe, PROBE_TIMEOUT_MS, { clock });
      this.fault = undefined;
      this.model = model;
      if (!this.#isKnown || before !== undefined) {
        log('info', 'TTS service is available', { engine: engine.name, details, latencyMs });
      }
    } catch (thrown) {
      this.fault = engineError(thrown, engine.name);
      if (!this.#isKnown || before !== this.fault.code) {
        const { code, message, details } = this.fault;
        log('warn', 'TTS service is unavailable', { engine: engine.name, code, error: message, details });
        onFault(this.fault);
      }
    }
    this.#isKnown = true;
  }

  /** A trial for a half-open breaker, so that the service recovers without a request. */
  async #try(): Promise<void> {
    const { engine, isHalfOpen, trial } = this.#options;
    const voice = engine.voices()[0];
    if (this.fault !== undefined || voice === undefined || !isHalfOpen()) return;
    await trial({ text: TRIAL_TEXT, voiceId: voice.id, language: voice.languages[0] }).catch(() => {});
  }
}
