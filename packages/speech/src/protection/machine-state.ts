/** What was read of the part of the machine that this process may use. A figure that could not be read is absent. */
export interface MachineReading {
  /** Share of the allowed cores in use since the last reading, 0 to 1. Absent in the first. */
  readonly cpuRatio?: number | undefined;
  /** Share of the allowed memory in use, 0 to 1, without what the system can take back at once. */
  readonly memoryRatio?: number | undefined;
  /** Load average of the last minute over the cores it is an average of. */
  readonly loadPerCore?: number | undefined;
}

/** Reads the machine; never rejects. One reader belongs to one caller, for it remembers its last reading. */
export type ReadMachine = () => Promise<MachineReading>;

/** A reading and when it was taken, epoch ms. */
export interface MachineSample extends MachineReading {
  readonly atMs: number;
}

export type Figure = 'cpu' | 'memory' | 'load';
export type Level = 'normal' | 'warning' | 'critical';

/** A figure is in its warning range above `warning`, and critical above `critical`; at them it is not yet. */
export interface Threshold {
  readonly warning: number;
  readonly critical: number;
}

/** `cpu` and `memory` as shares from 0 to 1, `load` per core. */
export type Thresholds = Readonly<Record<Figure, Threshold>>;

/** A figure outside its normal range. */
export interface Finding {
  readonly figure: Figure;
  readonly level: Exclude<Level, 'normal'>;
  readonly value: number;
  /** The threshold that it is over. */
  readonly threshold: number;
}

/** A sample and what it means. */
export interface MachineState {
  readonly sample: MachineSample;
  /** A figure that was not read has no level. */
  readonly levels: Readonly<Partial<Record<Figure, Level>>>;
  /** The figures that are not normal. */
  readonly findings: readonly Finding[];
}

/** @see docs/origins.md#thresholds */
export const DEFAULT_THRESHOLDS: Thresholds = {
  cpu: { warning: 0.8, critical: 0.95 },
  memory: { warning: 0.8, critical: 0.95 },
  // Load averages of 5 and 10 on the four cores that those numbers fit.
  load: { warning: 5 / 4, critical: 10 / 4 },
};

/** Each figure in the order of reports, its field of a reading, and its unit. */
const FIGURES = {
  cpu: { field: 'cpuRatio', factor: 100, digits: 1, unit: ' %' },
  memory: { field: 'memoryRatio', factor: 100, digits: 1, unit: ' %' },
  load: { field: 'loadPerCore', factor: 1, digits: 2, unit: ' per core' },
} as const satisfies Record<
  Figure,
  { field: keyof MachineReading; factor: number; digits: number; unit: string }
>;

export const FIGURE_NAMES = Object.keys(FIGURES) as readonly Figure[];

/** The value of a figure; undefined when it was not read. */
export const figureOf = (reading: MachineReading, figure: Figure): number | undefined => {
  const value = reading[FIGURES[figure].field];
  return value === undefined || Number.isNaN(value) ? undefined : value;
};

const format = (figure: Figure, value: number): string => {
  const { factor, digits, unit } = FIGURES[figure];
  return `${Number((value * factor).toFixed(digits))}${unit}`;
};

/** Such as `cpu at 83 %` or `load at 2.75 per core`. */
export const describeFigure = (figure: Figure, value: number): string =>
  `${figure} at ${format(figure, value)}`;

/** Such as `memory at 96 % (critical over 95 %)`. */
export const describeFinding = ({ figure, level, value, threshold }: Finding): string =>
  `${describeFigure(figure, value)} (${level} over ${format(figure, threshold)})`;

/** @throws {RangeError} naming the figure, unless 0 < warning <= critical */
export const checkThresholds = (thresholds: Thresholds): void => {
  for (const figure of FIGURE_NAMES) {
    const { warning, critical } = thresholds[figure];
    if (warning > 0 && critical >= warning) continue;
    throw new RangeError(
      `thresholds.${figure}: needs 0 < warning <= critical, got ${warning} and ${critical}`,
    );
  }
};

/**
 * Judges samples, one after the other. Memory and load are judged by the sample alone: memory that is almost gone ends
 * in a kill, and a load average is smoothed over a minute already. CPU is critical only in the `cpuCriticalSamples`-th
 * critical sample in a row, and in its warning range until then: loading a model or encoding one story takes every core
 * for a few seconds, and is what they are for.
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
    for (const figure of FIGURE_NAMES) {
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
    const { warning, critical } = this.#thresholds[figure];
    const isCritical = value !== undefined && value > critical;
    if (figure === 'cpu') this.#criticalCpuInRow = isCritical ? this.#criticalCpuInRow + 1 : 0;
    if (value === undefined) return undefined;
    if (isCritical && (figure !== 'cpu' || this.#criticalCpuInRow >= this.#cpuCriticalSamples))
      return 'critical';
    return value > warning ? 'warning' : 'normal';
  }
}
