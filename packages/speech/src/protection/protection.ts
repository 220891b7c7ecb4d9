import { type Log, TalebackError } from '@taleback/core';
import { type Clock, createRateLimiter, guarded, type RateLimiter, systemClock } from '@taleback/resilience';
import { type ControlFile, KILL_SWITCH_KEY, KillSwitch } from './kill-switch.node.ts';
import type { KillSwitchOptions, KillSwitchStatus } from './kill-switch.node.ts';
import { type MachineState, type ReadMachine, SystemMonitor } from './machine-monitor.ts';
import type { SystemMonitorOptions } from './machine-monitor.ts';
import { logKillSwitchChanges, logLevels, logProtectionChanges } from './protection-logs.ts';
import { describeReason, ProtectionMode } from './protection-mode.ts';
import type { ProtectionModeOptions, ProtectionStatus } from './protection-mode.ts';

export interface ProtectionOptions extends KillSwitchOptions, ProtectionModeOptions, SystemMonitorOptions {
  /** Syntheses begun in any minute, an integer from 0 to 10_000. Default 0: no limit. */
  readonly requestsPerMinute?: number | undefined;
}

export interface ProtectionParts {
  readonly readMachine: ReadMachine;
  readonly log: Log;
  /** Default: none, so that only the environment counts. */
  readonly controlFile?: ControlFile | undefined;
  readonly clock?: Clock | undefined;
}

export type SynthesisAdmission =
  | { readonly admitted: true }
  /** `synthesis_disabled`, `system_protection` or `provider_rate_limited`. */
  | { readonly admitted: false; readonly error: TalebackError };

export interface ProtectionOverview {
  readonly killSwitch: KillSwitchStatus;
  readonly mode: ProtectionStatus;
  /** Undefined before the first sample and while stopped. */
  readonly machine: MachineState | undefined;
}

/**
 * Keeps new synthesis away from a machine that has no room for it, or from every machine when an operator says so. What
 * runs already is never touched.
 *
 * @see docs/origins.md#thresholds
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
    const limit = { ...guarded.rateLimit, permits: this.#requestsPerMinute };
    this.#limiter = this.#requestsPerMinute === 0 ? undefined : createRateLimiter(limit, clock);
    const onChange = logKillSwitchChanges(log, controlFile?.name);
    this.killSwitch = new KillSwitch(options, { controlFile, clock, onChange });
    this.mode = new ProtectionMode(options, clock);
    this.mode.onChange(logProtectionChanges(log));
    const logSample = logLevels(log);
    const onSample = (state: MachineState): void => {
      logSample(state);
      this.mode.observe(state.findings.filter(({ level }) => level === 'critical'));
      // So that an operator's command is logged within an interval, also while no story comes.
      this.killSwitch.status();
    };
    this.monitor = new SystemMonitor(options, { readMachine, clock, onSample });
  }

  /** Starts to watch the machine. Does nothing when it does already. */
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
    const { disabled, source } = this.killSwitch.status();
    if (disabled) {
      // How long it stays off is up to an operator, so the error has no time to wait.
      return refuse('synthesis_disabled', 'Synthesis is switched off by an operator.', {
        details: `${KILL_SWITCH_KEY}=disabled in ${source === 'environment' ? 'the environment' : this.#controlFileName}`,
      });
    }
    const mode = this.mode.status();
    if (mode.active) {
      return refuse('system_protection', 'New synthesis is paused to keep the machine healthy.', {
        details: describeReason(mode.reason),
        retryAfterMs: Math.ceil(mode.leavesAtMs - this.#clock.now()),
      });
    }
    const taken = this.#limiter?.tryTake();
    if (taken?.taken === false) {
      return refuse('provider_rate_limited', 'The limit of syntheses begun in a minute is reached.', {
        details: `limit of ${this.#requestsPerMinute} in any minute`,
        retryAfterMs: Math.ceil(taken.retryAfterMs),
      });
    }
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

const refuse = (...error: ConstructorParameters<typeof TalebackError>): SynthesisAdmission => ({
  admitted: false,
  error: new TalebackError(...error),
});
