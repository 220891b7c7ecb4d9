import { type Clock, systemClock } from '@taleback/resilience';
import { describeFinding, type Finding } from './finding.ts';
import { Listeners } from './listeners.ts';

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
  | { readonly kind: 'entered'; readonly status: ActiveProtection; readonly atMs: number }
  /** Another cool-down began: something was still critical at the end of the last, or it was entered by hand. */
  | { readonly kind: 'stayed'; readonly status: ActiveProtection; readonly atMs: number }
  | {
      readonly kind: 'left';
      readonly cause: 'cool-down-over' | 'by-hand';
      readonly activeMs: number;
      readonly atMs: number;
    };

export interface ProtectionModeOptions {
  /** The least time it stays, ms, at least 0. Default 300_000. */
  readonly cooldownMs?: number | undefined;
}

/** seed 003: 5-minute cooldown periods. */
const DEFAULT_COOLDOWN_MS = 5 * 60_000;

/** Such as `memory at 96 % (critical over 95 %)`. */
export const describeReason = (reason: ProtectionReason): string =>
  reason.kind === 'critical' ? reason.findings.map(describeFinding).join(', ') : `by hand: ${reason.words}`;

/**
 * While it is on, new synthesis is refused. It has no timer: the end of the cool-down takes effect with the next
 * sample, or when somebody asks. The machine and its numbers are in ARCHITECTURE.md beside this file.
 */
export class ProtectionMode {
  readonly #cooldownMs: number;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<ProtectionChange>();
  #status: ProtectionStatus = { active: false };
  #critical: readonly Finding[] = [];

  /** @throws {RangeError} when the cool-down is out of range */
  constructor(options: ProtectionModeOptions = {}, clock: Clock = systemClock) {
    const { cooldownMs = DEFAULT_COOLDOWN_MS } = options;
    if (!(cooldownMs >= 0)) throw new RangeError(`cooldownMs must be at least 0, got ${String(cooldownMs)}`);
    this.#cooldownMs = cooldownMs;
    this.#clock = clock;
  }

  /** Takes in what is critical now; anything turns protection on, nothing lets it end with its cool-down. */
  observe(critical: readonly Finding[]): void {
    this.#critical = critical;
    this.#settle();
    if (!this.#status.active && critical.length > 0) this.#begin({ kind: 'critical', findings: critical });
  }

  /** Turns it on by hand. When it is on already, the cool-down begins anew. It leaves by itself like any other. */
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
   * Calls `listener` after every change.
   *
   * @returns a function that ends it
   */
  onChange(listener: (change: ProtectionChange) => void): () => void {
    return this.#listeners.add(listener);
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
    this.#listeners.tell({ kind: before.active ? 'stayed' : 'entered', status, atMs });
  }

  #end(cause: 'cool-down-over' | 'by-hand'): void {
    if (!this.#status.active) return;
    const atMs = this.#clock.now();
    const activeMs = atMs - this.#status.sinceMs;
    this.#status = { active: false };
    this.#listeners.tell({ kind: 'left', cause, activeMs, atMs });
  }
}
