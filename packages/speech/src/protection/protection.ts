import { type Clock, createRateLimiter, guarded, type RateLimiter, systemClock } from '@taleback/resilience';
import type { Log } from '@taleback/core';
import type { ControlFile } from './control-file.ts';
import { KillSwitch, type KillSwitchOptions, type KillSwitchStatus } from './kill-switch.ts';
import { logKillSwitchChanges, logLevels, logProtectionChanges } from './log-protection.ts';
import type { MachineState } from './machine-judge.ts';
import type { ReadMachine } from './machine-reading.ts';
import { ProtectionMode, type ProtectionModeOptions, type ProtectionStatus } from './protection-mode.ts';
import {
  refuseDisabled,
  refuseProtected,
  refuseRateLimited,
  type SynthesisAdmission,
} from './synthesis-admission.ts';
import { SystemMonitor, type SystemMonitorOptions } from './system-monitor.ts';

export interface ProtectionOptions extends KillSwitchOptions, ProtectionModeOptions, SystemMonitorOptions {
  /** Syntheses begun in any minute, an integer from 0 to 10_000. Default 0: no limit. seed 003 has 10. */
  readonly requestsPerMinute?: number | undefined;
}

export interface ProtectionParts {
  readonly readMachine: ReadMachine;
  readonly log: Log;
  /** Default: none, so that only the environment speaks. */
  readonly controlFile?: ControlFile | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** What an operator sees of it. */
export interface ProtectionOverview {
  readonly killSwitch: KillSwitchStatus;
  readonly mode: ProtectionStatus;
  /** Undefined before the first sample and while stopped. */
  readonly machine: MachineState | undefined;
}

/**
 * Keeps new synthesis away from a machine that has no room for it, or from everybody when an operator says so. What
 * runs already is never touched.
 */
export class Protection {
  readonly killSwitch: KillSwitch;
  readonly mode: ProtectionMode;
  readonly monitor: SystemMonitor;
  readonly #limiter: RateLimiter | undefined;
  readonly #requestsPerMinute: number;
  readonly #controlFileName: string | undefined;
  readonly #clock: Clock;

  /** @throws {RangeError} when an option is out of range */
  constructor(options: ProtectionOptions, parts: ProtectionParts) {
    const { readMachine, log, controlFile, clock = systemClock } = parts;
    this.#clock = clock;
    this.#controlFileName = controlFile?.name;
    this.#requestsPerMinute = options.requestsPerMinute ?? 0;
    // seed 003: _max_requests_per_minute, as the guarded profile has it, with a number of one's own
    const limit = { ...guarded.rateLimit, permits: this.#requestsPerMinute };
    this.#limiter = this.#requestsPerMinute === 0 ? undefined : createRateLimiter(limit, clock);
    this.killSwitch = new KillSwitch(options, { controlFile, clock });
    this.mode = new ProtectionMode(options, clock);
    this.monitor = new SystemMonitor(options, { readMachine, clock });

    this.killSwitch.onChange(logKillSwitchChanges(log, this.#controlFileName));
    this.mode.onChange(logProtectionChanges(log));
    this.monitor.onSample(logLevels(log));
    this.monitor.onSample((state) => {
      this.mode.observe(state.findings.filter(({ level }) => level === 'critical'));
      // So that a word of an operator is logged within an interval, also while no story comes.
      this.killSwitch.status();
    });
  }

  /** Begins to watch the machine. Does nothing when it does already. */
  start(): void {
    this.killSwitch.status();
    this.monitor.start();
  }

  /** Ends watching. The kill switch and the rate limit go on; protection that is on ends with its cool-down. */
  stop(): void {
    this.monitor.stop();
    this.mode.observe([]);
  }

  /**
   * Asks for one new synthesis, without throwing or waiting. The kill switch goes before protection, and both before
   * the rate limit, of which a refusal takes nothing.
   */
  admit(): SynthesisAdmission {
    const killSwitch = this.killSwitch.status();
    if (killSwitch.disabled) return refuseDisabled(killSwitch, this.#controlFileName);
    const mode = this.mode.status();
    if (mode.active) return refuseProtected(mode, this.#clock.now());
    const taken = this.#limiter?.tryTake();
    if (taken?.taken === false) return refuseRateLimited(this.#requestsPerMinute, taken.retryAfterMs);
    return { admitted: true };
  }

  overview(): ProtectionOverview {
    return {
      killSwitch: this.killSwitch.status(),
      mode: this.mode.status(),
      machine: this.monitor.state,
    };
  }
}
