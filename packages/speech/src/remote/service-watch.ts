import { type TalebackError, toTalebackError } from '@taleback/core';
import { type Clock, withDeadline } from '@taleback/resilience';
import type { RemoteEngine, SpeechChunk } from '../engines/index.ts';
import type { Log } from '../status/index.ts';
import { engineError } from './outcome-error.ts';

export interface ServiceWatchOptions {
  readonly engine: RemoteEngine;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether it is at work: some services answer nothing else meanwhile. */
  readonly isBusy: () => boolean;
  /** Whether its breaker waits for somebody to try. */
  readonly isDueForTrial: () => boolean;
  readonly trial: (chunk: SpeechChunk) => Promise<unknown>;
  /** Told when a look finds something wrong that the last one did not. */
  readonly onFault: (error: TalebackError) => void;
}

/** Time for one look, ms. @see seed 002: diagnostics of about five seconds */
const PROBE_TIMEOUT_MS = 5_000;
/** Between looks at a service that is well, ms: its voices may change. */
const CALM_INTERVAL_MS = 300_000;
/** Between looks at one that is not, and at its breaker, ms. */
const INTERVAL_MS = 15_000;
/** However much goes wrong, ms. */
const LEAST_INTERVAL_MS = 5_000;
/** What a trial says: a word costs nothing, even where characters are paid for. */
const TRIAL_TEXT = 'Yes.';

/**
 * Looks at a service now and then, without anybody asking: whether it can speak, which voices it has, and, once the
 * cool-down of its breaker is over, whether a word comes back.
 *
 * @see seed 000, "Periodic health checks for TTS service; automatic circuit breaker recovery testing"
 */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  #fault: TalebackError | undefined;
  #model: string | undefined;
  #isKnown = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  #stopTimer: () => void = () => {};

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  /** What the last look found wrong. */
  get fault(): TalebackError | undefined {
    return this.#fault;
  }

  /** What the service last said that its sound depends on. */
  get model(): string | undefined {
    return this.#model;
  }

  /** It spoke: whatever the last look found is over. */
  spoke(): void {
    this.#fault = undefined;
  }

  /** Looks once, then again and again. */
  async start(): Promise<void> {
    await this.#look();
    this.#later();
  }

  /** Something speaks for looking before it is time. */
  lookSoon(): void {
    const isRecent = this.#options.clock.now() - this.#lookedAtMs < LEAST_INTERVAL_MS;
    if (isRecent || !this.#isKnown) return;
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
    this.#later(0);
  }

  stop(): void {
    this.#isOver = true;
    this.#stopTimer();
  }

  #later(delayMs = INTERVAL_MS): void {
    const { clock } = this.#options;
    this.#stopTimer();
    if (this.#isOver) return;
    const isDue = (): boolean =>
      this.#fault !== undefined || clock.now() - this.#lookedAtMs >= CALM_INTERVAL_MS;
    this.#stopTimer = clock.setTimer(() => {
      void (isDue() ? this.#look() : Promise.resolve()).then(() => this.#try()).then(() => this.#later());
    }, delayMs);
  }

  async #look(): Promise<void> {
    const { engine, clock, log, isBusy } = this.#options;
    if (isBusy()) return;
    this.#lookedAtMs = clock.now();
    const before = this.#fault?.code;
    try {
      const probe = (signal: AbortSignal) => engine.probe(signal);
      const { details, model, latencyMs } = await withDeadline(probe, PROBE_TIMEOUT_MS, { clock });
      this.#fault = undefined;
      this.#model = model;
      if (!this.#isKnown || before !== undefined) {
        log('info', 'TTS service is available', { engine: engine.name, details, latencyMs });
      }
    } catch (thrown) {
      this.#fault = toTalebackError(engineError(thrown, engine.name));
      if (!this.#isKnown || before !== this.#fault.code) {
        const { code, message, details } = this.#fault;
        log('warn', 'TTS service is unavailable', { engine: engine.name, code, error: message, details });
        this.#options.onFault(this.#fault);
      }
    }
    this.#isKnown = true;
  }

  async #try(): Promise<void> {
    const { engine, isDueForTrial, trial } = this.#options;
    const voice = engine.voices()[0];
    if (this.#fault !== undefined || voice === undefined || !isDueForTrial()) return;
    const language = voice.languages[0];
    await trial({ text: TRIAL_TEXT, voiceId: voice.id, language }).catch(() => {});
  }
}
