import { type CancelTimer, type Clock, systemClock } from '@taleback/resilience';
import {
  checkThresholds,
  DEFAULT_THRESHOLDS,
  MachineJudge,
  type MachineReading,
  type MachineState,
  type ReadMachine,
  type Thresholds,
} from './machine-state.ts';

export interface SystemMonitorOptions {
  /** Time between samples, over 0. Default 5_000. */
  readonly intervalMs?: number | undefined;
  /** Critical samples in a row that make CPU critical, an integer of at least 1. Default 3. */
  readonly cpuCriticalSamples?: number | undefined;
  /** Default `DEFAULT_THRESHOLDS`, figure by figure. */
  readonly thresholds?: Partial<Thresholds> | undefined;
}

export interface SystemMonitorParts {
  readonly readMachine: ReadMachine;
  /** Called after every sample. */
  readonly onSample: (state: MachineState) => void;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** @see docs/origins.md#thresholds */
const INTERVAL_MS = 5_000;
/** As many as the missed health checks after which a worker is restarted. @see docs/origins.md#health-score */
const CPU_CRITICAL_SAMPLES = 3;
/** Intervals that a reading may take before its figures count as unknown. There are never two readings at once. */
const UNANSWERED_INTERVALS = 3;

/** Samples the machine while it runs, at once and then in every interval. Its timer keeps the process alive. */
export class SystemMonitor {
  readonly #intervalMs: number;
  readonly #cpuCriticalSamples: number;
  readonly #thresholds: Thresholds;
  readonly #parts: SystemMonitorParts;
  readonly #clock: Clock;
  #run: { judge: MachineJudge; cancelTimer: CancelTimer; waitedIntervals: number } | undefined;
  #isReading = false;
  #state: MachineState | undefined;

  /** @throws {RangeError} when an option is out of range */
  constructor(options: SystemMonitorOptions, parts: SystemMonitorParts) {
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#cpuCriticalSamples = options.cpuCriticalSamples ?? CPU_CRITICAL_SAMPLES;
    this.#thresholds = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    if (!(this.#intervalMs > 0)) throw new RangeError(`intervalMs must be over 0, got ${this.#intervalMs}`);
    if (!Number.isInteger(this.#cpuCriticalSamples) || this.#cpuCriticalSamples < 1) {
      throw new RangeError(
        `cpuCriticalSamples must be an integer of at least 1, got ${this.#cpuCriticalSamples}`,
      );
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
    const judge = new MachineJudge(this.#thresholds, this.#cpuCriticalSamples);
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
    const reading = await this.#parts.readMachine().catch((): MachineReading => ({}));
    this.#isReading = false;
    if (run === this.#run) this.#publish(reading);
  }

  #publish(reading: MachineReading): void {
    if (this.#run === undefined) return;
    this.#state = this.#run.judge.judge({ ...reading, atMs: this.#clock.now() });
    this.#parts.onSample(this.#state);
  }
}
