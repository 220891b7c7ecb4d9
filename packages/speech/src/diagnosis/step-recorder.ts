import { type Clock, withDeadline } from '@taleback/resilience';
import type { DiagnosisStep, StepName } from './diagnosis.ts';
import type { TlsFinding } from './network.ts';
import { judgeError, judgeTrouble, type Verdict } from './verdict.ts';

/** What a step found: words for operators, or a finding that speaks against the service. */
export type StepFinding = string | Extract<TlsFinding, { ok: false }> | { readonly verdict: Verdict };

export interface StepRecorderOptions {
  /** For all steps together, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

const verdictOf = (finding: Exclude<StepFinding, string>): Verdict =>
  'verdict' in finding ? finding.verdict : judgeTrouble(finding.trouble, finding.words);

/** Runs the steps of one diagnosis in order, within one time; after one that fails, the others are skipped. */
export class StepRecorder {
  readonly steps: DiagnosisStep[] = [];
  verdict: Verdict | undefined;
  readonly #options: StepRecorderOptions;
  readonly #untilMs: number;

  constructor(options: StepRecorderOptions) {
    this.#options = options;
    this.#untilMs = options.clock.now() + options.timeoutMs;
  }

  skip(name: StepName, words: string): void {
    this.steps.push({ name, outcome: 'skipped', ms: 0, words });
  }

  /** @throws the reason of the outer signal, and nothing else */
  async run(name: StepName, step: (signal: AbortSignal) => Promise<StepFinding>): Promise<void> {
    if (this.verdict !== undefined) return this.skip(name, 'a step before it failed');
    const { clock, signal } = this.#options;
    const startMs = clock.now();
    const told = await this.#attempt(name, step, Math.max(1, this.#untilMs - startMs));
    signal?.throwIfAborted();
    const ms = Math.round(clock.now() - startMs);
    if (typeof told === 'string') {
      this.steps.push({ name, outcome: 'ok', ms, words: told });
      return;
    }
    this.verdict = told;
    this.steps.push({ name, outcome: 'failed', ms, words: told.details });
  }

  async #attempt(
    name: StepName,
    step: (signal: AbortSignal) => Promise<StepFinding>,
    leftMs: number,
  ): Promise<string | Verdict> {
    const { clock, signal } = this.#options;
    try {
      const finding = await withDeadline(step, Math.round(leftMs), { clock, signal });
      return typeof finding === 'string' ? finding : verdictOf(finding);
    } catch (error) {
      return judgeError(name, error);
    }
  }
}
