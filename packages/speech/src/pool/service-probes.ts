import { type Log, TalebackError } from '@taleback/core';
import { type Clock, compose, type createPolicies, withDeadline } from '@taleback/resilience';
import { trimSilence, verifySound } from '../audio/pcm.ts';
import type { RemoteEngine } from '../engines/engine.ts';
import { engineError } from './breaker-report.ts';

export interface ServiceProbesOptions {
  readonly engine: RemoteEngine;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether requests are in progress: some services answer nothing else meanwhile. */
  readonly isBusy: () => boolean;
  readonly policies: ReturnType<typeof createPolicies>;
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
/** Its model may have to be loaded for it, but the start waits for it, ms. */
const TRIAL_TIMEOUT_MS = 15_000;

/**
 * Lets a service speak a word, in this voice or its first, and verifies the sound.
 *
 * @throws TalebackError the engine's own; `voice_not_found`, `audio_missing`, `audio_silent`, `audio_implausible`
 * @example
 * // Not run: it needs a server.
 * await speakWord(engine, AbortSignal.timeout(5_000));
 */
export const speakWord = async (
  engine: RemoteEngine,
  signal: AbortSignal,
  voiceId?: string,
): Promise<void> => {
  const voices = engine.voices();
  const voice = voices.find(({ id }) => id === voiceId) ?? voices[0];
  if (voice === undefined) throw new TalebackError('voice_not_found', `${engine.name} names no voice.`);
  const chunk = { text: TRIAL_TEXT, voiceId: voice.id, language: voice.languages[0] };
  verifySound(trimSilence(await engine.synthesizeChunk(chunk, { signal })), { text: TRIAL_TEXT, speed: 1 });
};

/**
 * Probes a remote service from time to time: whether it answers and which voices it has; at the start, after a fault and
 * while its breaker is half-open, also whether a word comes back.
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
  readonly #isOver = new AbortController();
  #stopTimer: () => void = () => {};

  constructor(options: ServiceProbesOptions) {
    this.#options = options;
  }

  /** Probes once, then periodically. A service that is away now may be back when it is needed. */
  async start(): Promise<void> {
    await this.#probe();
    this.#schedule();
  }

  /** Probes now and lets it speak a word, unless it was probed a moment ago. */
  async test(): Promise<void> {
    if (this.#mayProbe()) await this.#probe(true);
  }

  #mayProbe(): boolean {
    return this.#isKnown && this.#options.clock.now() - this.#probedAtMs >= MIN_INTERVAL_MS;
  }

  probeSoon(): void {
    if (!this.#mayProbe()) return;
    this.#probedAtMs = Number.NEGATIVE_INFINITY;
    this.#schedule(0);
  }

  stop(): void {
    this.#isOver.abort();
    this.#stopTimer();
  }

  #schedule(delayMs = INTERVAL_MS): void {
    this.#stopTimer();
    if (!this.#isOver.signal.aborted)
      this.#stopTimer = this.#options.clock.setTimer(() => void this.#round(), delayMs);
  }

  async #round(): Promise<void> {
    const sinceProbeMs = this.#options.clock.now() - this.#probedAtMs;
    if (this.#mustSpeak() || sinceProbeMs >= HEALTHY_INTERVAL_MS) await this.#probe();
    this.#schedule();
  }

  /** Whether its voices alone prove nothing: at the start, after a fault, and for a half-open breaker. */
  #mustSpeak(): boolean {
    const { breaker } = this.#options.policies;
    return !this.#isKnown || this.fault !== undefined || breaker.status().halfOpen;
  }

  async #probe(speaks = false): Promise<void> {
    const { engine, clock, log, isBusy, onFault } = this.#options;
    if (isBusy()) return;
    this.#probedAtMs = clock.now();
    const before = this.fault;
    try {
      const probe = (signal: AbortSignal) => engine.probe(signal);
      const { details, model, latencyMs } = await withDeadline(probe, PROBE_TIMEOUT_MS, { clock });
      this.model = model;
      // Without a verdict it stays as it was.
      if ((speaks || this.#mustSpeak()) && !(await this.#speaks())) return;
      this.fault = undefined;
      if (!this.#isKnown || before !== undefined) {
        log('info', 'TTS service is available', { engine: engine.name, details, latencyMs });
      }
    } catch (thrown) {
      if (this.#isOver.signal.aborted) return;
      this.fault = engineError(thrown, engine.name);
      if (before?.code !== this.fault.code) {
        const { code, message, details } = this.fault;
        log('warn', 'TTS service is unavailable', { engine: engine.name, code, error: message, details });
        onFault(this.fault);
      }
    } finally {
      this.#isKnown = true;
    }
  }

  /**
   * One attempt at a word, which its breaker counts. No request, so that it is neither queued nor repeated.
   *
   * @returns false when the breaker or the rate limit kept it away
   * @throws what it threw instead of speaking
   */
  async #speaks(): Promise<boolean> {
    const { engine, policies } = this.#options;
    if (engine.voices().length === 0) return true;
    const once = compose({ ...policies, retry: undefined, bulkhead: undefined, breakerCounts: 'attempts' });
    const request = { signal: this.#isOver.signal, timeoutMs: TRIAL_TIMEOUT_MS };
    const outcome = await once.run(({ signal }) => speakWord(engine, signal), request);
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'rejected') throw outcome.lastError;
    return outcome.kind === 'succeeded';
  }
}
