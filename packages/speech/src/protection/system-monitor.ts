import { type CancelTimer, type Clock, systemClock } from '@taleback/resilience';
import { Listeners } from './listeners.ts';
import { MachineJudge, type MachineState } from './machine-judge.ts';
import type { MachineReading, ReadMachine } from './machine-reading.ts';
import { checkThresholds, DEFAULT_THRESHOLDS, type Thresholds } from './thresholds.ts';

export interface SystemMonitorOptions {
  /** Time between samples, ms, over 0. Default 5_000. */
  readonly intervalMs?: number | undefined;
  /** Critical samples in a row that make CPU critical, an integer of at least 1. Default 3. */
  readonly cpuCriticalSamples?: number | undefined;
  /** Default `DEFAULT_THRESHOLDS`, figure by figure. */
  readonly thresholds?: Partial<Thresholds> | undefined;
}

export interface SystemMonitorParts {
  readonly readMachine: ReadMachine;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** seed 003: WORKER_POLL_INTERVAL=5, the seconds between its worker's checks. */
const DEFAULT_INTERVAL_MS = 5_000;

/** seed 004: three misses in a row are what a worker is restarted for; one or two say nothing. Here: 15 s at 5 s each. */
const DEFAULT_CPU_CRITICAL_SAMPLES = 3;

/** Intervals that a reading may take before its figures count as unknown. It is never doubled by a second reading. */
const UNANSWERED_INTERVALS = 3;

/** Samples the machine while it runs, at once and then in every interval. Its timer keeps the process alive. */
export class SystemMonitor {
  readonly #options: { readonly intervalMs: number; readonly cpuCriticalSamples: number };
  readonly #thresholds: Thresholds;
  readonly #readMachine: ReadMachine;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<MachineState>();
  #run: { judge: MachineJudge; cancelTimer: CancelTimer; waitedIntervals: number } | undefined;
  #isReading = false;
  #state: MachineState | undefined;

  /** @throws {RangeError} when an option is out of range */
  constructor(options: SystemMonitorOptions, { readMachine, clock = systemClock }: SystemMonitorParts) {
    const { intervalMs = DEFAULT_INTERVAL_MS, cpuCriticalSamples = DEFAULT_CPU_CRITICAL_SAMPLES } = options;
    if (!(intervalMs > 0)) throw new RangeError(`intervalMs must be over 0, got ${String(intervalMs)}`);
    if (!Number.isInteger(cpuCriticalSamples) || cpuCriticalSamples < 1) {
      throw new RangeError(
        `cpuCriticalSamples must be an integer of at least 1, got ${String(cpuCriticalSamples)}`,
      );
    }
    this.#options = { intervalMs, cpuCriticalSamples };
    this.#thresholds = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
    checkThresholds(this.#thresholds);
    this.#readMachine = readMachine;
    this.#clock = clock;
  }

  /** The last sample; undefined before the first one and while stopped. */
  get state(): MachineState | undefined {
    return this.#state;
  }

  /** Begins to sample. Does nothing when it runs already. */
  start(): void {
    if (this.#run !== undefined) return;
    const judge = new MachineJudge(this.#thresholds, this.#options.cpuCriticalSamples);
    this.#run = { judge, cancelTimer: () => {}, waitedIntervals: 0 };
    this.#tick();
  }

  /** Ends sampling and forgets what it saw. A reading under way changes nothing any more. */
  stop(): void {
    this.#run?.cancelTimer();
    this.#run = undefined;
    this.#state = undefined;
  }

  /**
   * Calls `listener` after every sample.
   *
   * @returns a function that ends it
   */
  onSample(listener: (state: MachineState) => void): () => void {
    return this.#listeners.add(listener);
  }

  #tick(): void {
    const run = this.#run;
    if (run === undefined) return;
    run.cancelTimer = this.#clock.setTimer(() => this.#tick(), this.#options.intervalMs);
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
    let reading: MachineReading;
    try {
      reading = await this.#readMachine();
    } catch {
      // The port promises not to; a machine that cannot be read is one whose figures are unknown.
      reading = {};
    }
    this.#isReading = false;
    if (run === this.#run) this.#publish(reading);
  }

  #publish(reading: MachineReading): void {
    if (this.#run === undefined) return;
    this.#state = this.#run.judge.judge({ ...reading, atMs: this.#clock.now() });
    this.#listeners.tell(this.#state);
  }
}
