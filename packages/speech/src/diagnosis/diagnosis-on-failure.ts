import { type Log, toTalebackError } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { Diagnosis } from './diagnose.ts';
import { explain, withoutSecrets } from './trouble.ts';

export interface DiagnosisOnFailureOptions {
  /** Diagnoses an engine; undefined for one that is not reached over a network. */
  readonly diagnose: (engine: string, signal: AbortSignal) => Promise<Diagnosis> | undefined;
  readonly breakerOf?: ((engine: string) => BreakerSummary | undefined) | undefined;
  readonly log: Log;
  readonly clock: Clock;
}

/** A diagnosis without its steps, and the state of the engine's circuit breaker. */
export interface DiagnosisSummary extends Pick<Diagnosis, 'ok' | 'code' | 'summary' | 'suggestions'> {
  readonly breaker?: BreakerSummary;
}

/** Least time between two diagnoses of one engine, ms. */
const EVERY_MS = 60_000;
/** Until a diagnosis is too old to explain a failure, ms. */
const RECENT_MS = 2 * EVERY_MS;

/** In words for readers: the names and ports of a network are its operator's. */
const HIDDEN = { host: 'the service', port: '[port]', isName: true } as const;

/**
 * Diagnoses an engine automatically when all its retries failed or its circuit breaker opened: in the background, one
 * engine at a time, and after failures none more often than once a minute. It never throws and never delays the failure.
 *
 * @see docs/origins.md#diagnostics
 */
export class DiagnosisOnFailure {
  readonly #options: DiagnosisOnFailureOptions;
  readonly #closing = new AbortController();
  readonly #startedMs = new Map<string, number>();
  readonly #last = new Map<string, Diagnosis>();
  #running: Promise<void> = Promise.resolve();

  constructor(options: DiagnosisOnFailureOptions) {
    this.#options = options;
  }

  failed(engine: string, error: unknown): void {
    if (this.#closing.signal.aborted || this.#isRecent(engine)) return;
    this.#startedMs.set(engine, this.#options.clock.now());
    this.#running = this.#running.then(() => this.#diagnose(engine, error));
  }

  /** Its circuit breaker opened at this error: it is diagnosed now, however recent the last diagnosis is. */
  opened(engine: string, error: unknown): void {
    this.#startedMs.delete(engine);
    this.failed(engine, error);
  }

  last(engine: string): Diagnosis | undefined {
    return this.#last.get(engine);
  }

  all(): Readonly<Record<string, Diagnosis>> {
    return Object.fromEntries(this.#last);
  }

  /** Recent diagnoses by engine, shortened and without names of hosts: readers see them. Once the current one is done. */
  async recent(): Promise<Readonly<Record<string, DiagnosisSummary>>> {
    await this.settled();
    const { clock, breakerOf } = this.#options;
    const breakerStateOf = (engine: string): Pick<DiagnosisSummary, 'breaker'> => {
      const breaker = breakerOf?.(engine);
      return breaker === undefined ? {} : { breaker };
    };
    const recent = [...this.#last].filter(
      ([engine]) => clock.now() - (this.#startedMs.get(engine) ?? 0) < RECENT_MS,
    );
    return Object.fromEntries(
      recent.map(([engine, { ok, code, trouble }]) => [
        engine,
        {
          ok,
          ...(code === undefined ? {} : { code }),
          ...explain(trouble, HIDDEN),
          ...breakerStateOf(engine),
        },
      ]),
    );
  }

  /** Resolves when no diagnosis runs or waits. */
  settled(): Promise<void> {
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the diagnosis was broken off'));
    await this.#running;
  }

  #isRecent(engine: string): boolean {
    const { clock } = this.#options;
    const startedMs = this.#startedMs.get(engine);
    return startedMs !== undefined && clock.now() - startedMs < EVERY_MS;
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

/** The status of a breaker: `BreakerStatus`, or the same after it went through JSON. */
export interface BreakerSummary {
  readonly state: 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'ISOLATED';
  readonly consecutiveFailures?: number | undefined;
  readonly lastFailure?: Date | string | null | undefined;
}

const timeOf = (time: Date | string): string => {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().replace('T', ' ').slice(0, 19);
};

const breakerLines = ({ state, consecutiveFailures = 0, lastFailure }: BreakerSummary): string[] => [
  `${state === 'CLOSED' ? '✓' : '⚠️ '} TTS circuit breaker is ${state}`,
  ...(consecutiveFailures === 0
    ? []
    : [`  Failed ${consecutiveFailures} ${consecutiveFailures === 1 ? 'time' : 'times consecutively'}`]),
  ...(lastFailure === undefined || lastFailure === null ? [] : [`  Last failure: ${timeOf(lastFailure)}`]),
];

const failedLine = ({ summary, details }: Diagnosis): string =>
  `✗ ${summary}${details === undefined ? '' : ` (${details})`}`;

/**
 * A diagnosis in words for people. Times are UTC.
 *
 * @param breaker of the same engine, if there is one
 * @see docs/origins.md#diagnostics
 * @example
 * import { createNetworkProbe, diagnose, formatDiagnosis } from '@taleback/speech/diagnosis';
 * const diagnosis = await diagnose('ftp://tts.example', { network: createNetworkProbe() });
 * console.log(formatDiagnosis(diagnosis).split('\n')[0]); // ✗ The address cannot be read.
 */
export const formatDiagnosis = (diagnosis: Diagnosis, breaker?: BreakerSummary): string =>
  [
    diagnosis.ok ? `✓ Network connectivity to ${diagnosis.host} is working` : failedLine(diagnosis),
    diagnosis.ok ? '  The issue may be:' : '  What to do:',
    ...diagnosis.suggestions.map((suggestion) => `  - ${suggestion}`),
    ...(breaker === undefined ? [] : breakerLines(breaker)),
  ].join('\n');
