import { type Finding, type Level, levelOf } from './finding.ts';
import { FIGURES, type Figure, figureOf, type MachineSample } from './machine-reading.ts';
import type { Thresholds } from './thresholds.ts';

/** A sample and what it means. */
export interface MachineState {
  readonly sample: MachineSample;
  /** A figure that was not read has no level. */
  readonly levels: Readonly<Partial<Record<Figure, Level>>>;
  /** The figures that are not normal. */
  readonly findings: readonly Finding[];
}

/**
 * Says what samples mean, one after the other. Memory and load are judged by the sample alone: memory that is almost
 * gone ends in a kill, and a load average is smoothed over a minute already. CPU is critical only in the
 * `cpuCriticalSamples`-th critical sample in a row, and in its warning range until then: loading a model or encoding one
 * story takes every core for a few seconds, and is what they are for.
 */
export class MachineJudge {
  readonly #thresholds: Thresholds;
  readonly #cpuCriticalSamples: number;
  #criticalCpuInRow = 0;

  constructor(thresholds: Thresholds, cpuCriticalSamples: number) {
    this.#thresholds = thresholds;
    this.#cpuCriticalSamples = cpuCriticalSamples;
  }

  judge(sample: MachineSample): MachineState {
    const levels: Partial<Record<Figure, Level>> = {};
    const findings: Finding[] = [];
    for (const figure of FIGURES) {
      const value = figureOf(sample, figure);
      const level = this.#levelOf(figure, value);
      if (value === undefined || level === undefined) continue;
      levels[figure] = level;
      if (level === 'normal') continue;
      findings.push({ figure, level, value, threshold: this.#thresholds[figure][level] });
    }
    return { sample, levels, findings };
  }

  #levelOf(figure: Figure, value: number | undefined): Level | undefined {
    const level = value === undefined ? undefined : levelOf(value, this.#thresholds[figure]);
    if (figure !== 'cpu') return level;
    this.#criticalCpuInRow = level === 'critical' ? this.#criticalCpuInRow + 1 : 0;
    return level === 'critical' && this.#criticalCpuInRow < this.#cpuCriticalSamples ? 'warning' : level;
  }
}
