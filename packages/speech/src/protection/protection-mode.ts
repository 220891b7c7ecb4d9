import { type Clock, systemClock } from '@taleback/resilience';
import { describeFinding, type Finding } from './machine-monitor.ts';

export type ProtectionReason =
  | { readonly kind: 'critical'; readonly findings: readonly Finding[] }
  | { readonly kind: 'by-hand'; readonly words: string };

/** Times are epoch ms of the injected clock. */
export interface ActiveProtection {
  readonly active: true;
  readonly reason: ProtectionReason;
  readonly sinceMs: number;
  /** When it leaves, if nothing is critical then. */
  readonly leavesAtMs: number;
}

export type ProtectionStatus = { readonly active: false } | ActiveProtection;

export type ProtectionChange =
  /** stayed: another cool-down began; something was still critical at the end of the last, or it was entered by hand. */
  | { readonly kind: 'entered' | 'stayed'; readonly status: ActiveProtection; readonly atMs: number }
  | { readonly kind: 'left'; readonly cause: LeaveCause; readonly activeMs: number; readonly atMs: number };

type LeaveCause = 'cool-down-over' | 'by-hand';

export interface ProtectionModeOptions {
  /** The least time that it stays on, at least 0. Default 300_000. @see docs/origins.md#thresholds */
  readonly cooldownMs?: number | undefined;
}

/** Such as `memory at 96 % (critical over 95 %)`. */
export const describeReason = (reason: ProtectionReason): string =>
  reason.kind === 'critical' ? reason.findings.map(describeFinding).join(', ') : `by hand: ${reason.words}`;

/**
 * While it is on, new synthesis is refused. It has no timer: the end of the cool-down takes effect with the next
 * sample or the next question. Its states and numbers are in ARCHITECTURE.md beside this file.
 */
export class ProtectionMode {
  readonly #cooldownMs: number;
  readonly #clock: Clock;
  readonly #listeners = new Set<(change: ProtectionChange) => void>();
  #status: ProtectionStatus = { active: false };
  #critical: readonly Finding[] = [];

  /** @throws {RangeError} when the cool-down is out of range */
  constructor({ cooldownMs = 5 * 60_000 }: ProtectionModeOptions = {}, clock: Clock = systemClock) {
    if (!(cooldownMs >= 0)) throw new RangeError(`cooldownMs must be at least 0, got ${String(cooldownMs)}`);
    this.#cooldownMs = cooldownMs;
    this.#clock = clock;
  }

  /** Takes in what is critical now: anything turns protection on; with nothing, it ends with its cool-down. */
  observe(critical: readonly Finding[]): void {
    this.#critical = critical;
    if (!this.status().active && critical.length > 0) this.#begin({ kind: 'critical', findings: critical });
  }

  /** Turns it on by hand; when it is on already, the cool-down starts again. It ends automatically like any other. */
  enter(words: string): void {
    this.#settle();
    this.#begin({ kind: 'by-hand', words });
  }

  /** Turns it off by hand, before its time. A figure that is critical in the next sample turns it on again. */
  leave(): void {
    this.#settle();
    this.#end('by-hand');
  }

  status(): ProtectionStatus {
    this.#settle();
    return this.#status;
  }

  /**
   * Calls `listener` after every change. One that throws causes an unhandled rejection and nothing else.
   *
   * @returns a function that ends it
   */
  onChange(listener: (change: ProtectionChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #publish(change: ProtectionChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }

  /** Acts on a cool-down that is over. */
  #settle(): void {
    if (!this.#status.active || this.#clock.now() < this.#status.leavesAtMs) return;
    if (this.#critical.length === 0) this.#end('cool-down-over');
    else this.#begin({ kind: 'critical', findings: this.#critical });
  }

  #begin(reason: ProtectionReason): void {
    const before = this.#status;
    const atMs = this.#clock.now();
    const sinceMs = before.active ? before.sinceMs : atMs;
    const status = { active: true, reason, sinceMs, leavesAtMs: atMs + this.#cooldownMs } as const;
    this.#status = status;
    this.#publish({ kind: before.active ? 'stayed' : 'entered', status, atMs });
  }

  #end(cause: LeaveCause): void {
    if (!this.#status.active) return;
    const atMs = this.#clock.now();
    const activeMs = atMs - this.#status.sinceMs;
    this.#status = { active: false };
    this.#publish({ kind: 'left', cause, activeMs, atMs });
  }
}
