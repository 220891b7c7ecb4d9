import { toTalebackError } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { Log } from '@taleback/core';
import type { Diagnosis } from './diagnosis.ts';
import { type BreakerWords, formatDiagnosis } from './format-diagnosis.ts';
import { withoutSecrets } from './without-secrets.ts';

export interface DiagnosisOnFailureOptions {
  /** Diagnoses an engine; undefined for one that is not reached over a network. */
  readonly diagnose: (engine: string, signal: AbortSignal) => Promise<Diagnosis> | undefined;
  readonly breakerOf?: ((engine: string) => BreakerWords | undefined) | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** Least time between two diagnoses of one engine, ms. Default a minute. */
  readonly everyMs?: number | undefined;
}

/** A diagnosis without its steps, and the engine's circuit breaker as it stood when it was asked for. */
export interface DiagnosisInFew extends Pick<Diagnosis, 'ok' | 'code' | 'summary' | 'suggestions'> {
  readonly breaker?: Pick<BreakerWords, 'state' | 'consecutiveFailures'>;
}

const EVERY_MS = 60_000;
/** Until a diagnosis says nothing any more about what fails now, ms. */
const RECENT_MS = 2 * EVERY_MS;

/**
 * Diagnoses an engine by itself when all its retries failed: in the background, one engine at a time, and none more
 * often than once a minute. It never throws and never delays the failure itself.
 *
 * @see seed 002, "Automatic Diagnostics on Failure"
 */
export class DiagnosisOnFailure {
  readonly #options: DiagnosisOnFailureOptions;
  readonly #closing = new AbortController();
  readonly #startedMs = new Map<string, number>();
  readonly #last = new Map<string, Diagnosis>();
  #line: Promise<void> = Promise.resolve();

  constructor(options: DiagnosisOnFailureOptions) {
    this.#options = options;
  }

  /** All retries of the engine failed with this error. */
  failed(engine: string, error: unknown): void {
    if (this.#closing.signal.aborted || this.#isRecent(engine)) return;
    this.#startedMs.set(engine, this.#options.clock.now());
    this.#line = this.#line.then(() => this.#diagnose(engine, error));
  }

  /** The last diagnosis of an engine. */
  last(engine: string): Diagnosis | undefined {
    return this.#last.get(engine);
  }

  /** The last diagnosis of every engine that has one, for the status. */
  all(): Readonly<Record<string, Diagnosis>> {
    return Object.fromEntries(this.#last);
  }

  /** What was found out lately, by engine, once what runs is done; in few words, for people who look into an attempt. */
  async recent(): Promise<Readonly<Record<string, DiagnosisInFew>>> {
    await this.settled();
    const { clock, breakerOf } = this.#options;
    const breakerIn = (engine: string): Pick<DiagnosisInFew, 'breaker'> => {
      const { state, consecutiveFailures = 0 } = breakerOf?.(engine) ?? {};
      return state === undefined ? {} : { breaker: { state, consecutiveFailures } };
    };
    const told = [...this.#last].filter(
      ([engine]) => clock.now() - (this.#startedMs.get(engine) ?? 0) < RECENT_MS,
    );
    return Object.fromEntries(
      told.map(([engine, { ok, code, summary, suggestions }]) => [
        engine,
        { ok, ...(code === undefined ? {} : { code }), summary, suggestions, ...breakerIn(engine) },
      ]),
    );
  }

  /** Resolves when no diagnosis runs or waits. */
  settled(): Promise<void> {
    return this.#line;
  }

  /** Breaks off what runs. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the diagnosis was broken off'));
    await this.#line;
  }

  #isRecent(engine: string): boolean {
    const { clock, everyMs = EVERY_MS } = this.#options;
    const startedMs = this.#startedMs.get(engine);
    return startedMs !== undefined && clock.now() - startedMs < everyMs;
  }

  async #diagnose(engine: string, error: unknown): Promise<void> {
    const { diagnose, breakerOf, log } = this.#options;
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const { code, message } = toTalebackError(error);
    try {
      const diagnosis = await diagnose(engine, signal);
      if (diagnosis === undefined) return;
      this.#last.set(engine, diagnosis);
      const { ok, code: cause, summary, details, suggestions, steps } = diagnosis;
      log('warn', 'engine diagnosed', {
        engine,
        failure: { code, message: withoutSecrets(message) },
        diagnosis: { ok, code: cause, summary, details, suggestions, steps },
        words: formatDiagnosis(diagnosis, breakerOf?.(engine)),
      });
    } catch (fault) {
      if (signal.aborted) return;
      log('warn', 'engine could not be diagnosed', {
        engine,
        error: withoutSecrets(toTalebackError(fault).message),
      });
    }
  }
}
