import { type CancelTimer, type Clock, systemClock } from '@taleback/resilience';

/** What this process may use of the machine, and uses. A figure that could not be read is absent. */
export interface MachineReading {
  /** Share of the allowed cores in use since the last reading, 0 to 1. Absent in the first. */
  readonly cpuRatio?: number | undefined;
  /** Share of the allowed memory in use, 0 to 1, without what the system can take back at once. */
  readonly memoryRatio?: number | undefined;
  /** Load average of the last minute over the cores it is an average of. */
  readonly loadPerCore?: number | undefined;
}

/** Reads the machine. One reader belongs to one caller, for it remembers its last reading. */
export type ReadMachine = () => Promise<MachineReading>;

export type Figure = 'cpu' | 'memory' | 'load';
export type Level = 'normal' | 'warning' | 'critical';

/** `cpu` and `memory` as shares from 0 to 1, `load` per core. A figure at a threshold is not over it yet. */
export type Thresholds = Readonly<Record<Figure, { readonly warning: number; readonly critical: number }>>;

/** A figure outside its normal range. */
export interface Finding {
  readonly figure: Figure;
  readonly level: Exclude<Level, 'normal'>;
  readonly value: number;
  readonly threshold: number;
}

/** A reading taken at `atMs` (epoch ms), and what it means. */
export interface MachineState {
  readonly sample: MachineReading & { readonly atMs: number };
  /** A figure that was not read has no level. */
  readonly levels: Readonly<Partial<Record<Figure, Level>>>;
  /** The figures that are not normal. */
  readonly findings: readonly Finding[];
}

export interface SystemMonitorOptions {
  /** Time between samples, over 0. Default 5_000. */
  readonly intervalMs?: number | undefined;
  /** Critical samples in a row that make CPU critical, an integer of at least 1. Default 3. */
  readonly cpuCriticalSamples?: number | undefined;
  /** Default `DEFAULT_THRESHOLDS`, figure by figure. */
  readonly thresholds?: Partial<Thresholds> | undefined;
}

/** @see docs/origins.md#thresholds */
export const DEFAULT_THRESHOLDS: Thresholds = {
  cpu: { warning: 0.8, critical: 0.95 },
  memory: { warning: 0.8, critical: 0.95 },
  // Load averages of 5 and 10 on the four cores that those numbers fit.
  load: { warning: 5 / 4, critical: 10 / 4 },
};
/** @see docs/origins.md#thresholds */
const INTERVAL_MS = 5_000;
/** As many as the missed health checks after which a worker is restarted. @see docs/origins.md#health-score */
const CPU_CRITICAL_SAMPLES = 3;
/** Intervals that a reading may take before its figures count as unknown. There are never two readings at once. */
const UNANSWERED_INTERVALS = 3;

/** Each figure in the order of reports, its field of a reading, and how it is written. */
const FIGURES = {
  cpu: { field: 'cpuRatio', factor: 100, digits: 1, unit: ' %' },
  memory: { field: 'memoryRatio', factor: 100, digits: 1, unit: ' %' },
  load: { field: 'loadPerCore', factor: 1, digits: 2, unit: ' per core' },
} as const;

export const FIGURE_NAMES = Object.keys(FIGURES) as readonly Figure[];

export const figureOf = (reading: MachineReading, figure: Figure): number | undefined => {
  const value = reading[FIGURES[figure].field];
  return Number.isNaN(value) ? undefined : value;
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
 * Judges samples, one after the other. CPU is critical only in the `cpuCriticalSamples`-th critical sample in a row:
 * loading a model or encoding one story takes every core for a few seconds. Memory and load are judged by the sample
 * alone: memory that is almost gone ends in a kill, and a load average is smoothed over a minute already.
 */
export const createJudge = (thresholds: Thresholds, cpuCriticalSamples: number) => {
  let criticalCpuInRow = 0;
  return (sample: MachineState['sample']): MachineState => {
    const levels: Partial<Record<Figure, Level>> = {};
    const findings: Finding[] = [];
    criticalCpuInRow = (sample.cpuRatio ?? 0) > thresholds.cpu.critical ? criticalCpuInRow + 1 : 0;
    for (const figure of FIGURE_NAMES) {
      const value = figureOf(sample, figure);
      if (value === undefined) continue;
      const { warning, critical } = thresholds[figure];
      const isTooEarly = figure === 'cpu' && criticalCpuInRow < cpuCriticalSamples;
      let level: Level = value > warning ? 'warning' : 'normal';
      if (value > critical && !isTooEarly) level = 'critical';
      levels[figure] = level;
      if (level !== 'normal') findings.push({ figure, level, value, threshold: thresholds[figure][level] });
    }
    return { sample, levels, findings };
  };
};

/** Samples the machine while it runs, at once and then in every interval. Its timer keeps the process alive. */
export class SystemMonitor {
  readonly #intervalMs: number;
  readonly #cpuCriticalSamples: number;
  readonly #thresholds: Thresholds;
  readonly #readMachine: ReadMachine;
  readonly #onSample: (state: MachineState) => void;
  readonly #clock: Clock;
  #run:
    | { judge: ReturnType<typeof createJudge>; cancelTimer: CancelTimer; waitedIntervals: number }
    | undefined;
  #isReading = false;
  #state: MachineState | undefined;

  /**
   * @param parts `onSample` is called after every sample
   * @throws {RangeError} when an option is out of range
   */
  constructor(
    options: SystemMonitorOptions,
    parts: { readMachine: ReadMachine; onSample: (state: MachineState) => void; clock?: Clock | undefined },
  ) {
    const { intervalMs = INTERVAL_MS, cpuCriticalSamples = CPU_CRITICAL_SAMPLES } = options;
    this.#intervalMs = intervalMs;
    this.#cpuCriticalSamples = cpuCriticalSamples;
    this.#thresholds = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
    this.#readMachine = parts.readMachine;
    this.#onSample = parts.onSample;
    this.#clock = parts.clock ?? systemClock;
    if (!(intervalMs > 0)) throw new RangeError(`intervalMs must be over 0, got ${intervalMs}`);
    if (!Number.isInteger(cpuCriticalSamples) || cpuCriticalSamples < 1) {
      throw new RangeError(`cpuCriticalSamples must be an integer of at least 1, got ${cpuCriticalSamples}`);
    }
    checkThresholds(this.#thresholds);
  }

  /** The last sample; undefined before the first one and while stopped. */
  get state(): MachineState | undefined {
    return this.#state;
  }

  /** Starts to sample. Does nothing when it runs already. */
  start(): void {
    if (this.#run !== undefined) return;
    const judge = createJudge(this.#thresholds, this.#cpuCriticalSamples);
    this.#run = { judge, cancelTimer: () => {}, waitedIntervals: 0 };
    this.#tick();
  }

  /** Ends sampling and forgets the last sample. A reading under way is ignored. */
  stop(): void {
    this.#run?.cancelTimer();
    this.#run = undefined;
    this.#state = undefined;
  }

  #tick(): void {
    const run = this.#run;
    if (run === undefined) return;
    run.cancelTimer = this.#clock.setTimer(() => this.#tick(), this.#intervalMs);
    if (!this.#isReading) {
      run.waitedIntervals = 0;
      void this.#sample();
      return;
    }
    run.waitedIntervals += 1;
    if (run.waitedIntervals === UNANSWERED_INTERVALS) this.#publish({});
  }

  async #sample(): Promise<void> {
    const run = this.#run;
    this.#isReading = true;
    // A reader should never reject; if it does, its figures are unknown.
    const reading = await this.#readMachine().catch((): MachineReading => ({}));
    this.#isReading = false;
    if (run === this.#run) this.#publish(reading);
  }

  #publish(reading: MachineReading): void {
    if (this.#run === undefined) return;
    this.#state = this.#run.judge({ ...reading, atMs: this.#clock.now() });
    this.#onSample(this.#state);
  }
}
