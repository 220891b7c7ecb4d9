import type { TalebackError } from '@taleback/core';
import type { BreakerStatus } from '@taleback/resilience';
import type { WorkerSnapshot, WorkerState } from '../status/index.ts';
import { WorkerHealth } from '../pool/health-index.ts';

interface Standing {
  readonly breaker: BreakerStatus | undefined;
  /** What its last probe found wrong. */
  readonly fault: TalebackError | undefined;
  /** What it said that its sound depends on. */
  readonly model: string | undefined;
  readonly nowMs: number;
}

/** A service elsewhere, told as the worker that it is to us. Times are epoch milliseconds. */
export class ServiceRecord {
  readonly #id: string;
  readonly #health: WorkerHealth;
  #state: WorkerState = 'READY';
  #sinceMs: number;
  #inFlight = 0;

  constructor(id: string, nowMs: number) {
    this.#id = id;
    this.#sinceMs = nowMs;
    // Nobody pings it between requests, so its silence says nothing.
    this.#health = new WorkerHealth(Number.MAX_SAFE_INTEGER, nowMs);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  began(): void {
    this.#inFlight += 1;
  }

  ended(isSound: boolean, responseMs: number, nowMs: number): void {
    this.#inFlight -= 1;
    this.#health.answered(isSound, responseMs);
    this.#health.heard(nowMs);
  }

  snapshot({ breaker, fault, model, nowMs }: Standing): WorkerSnapshot {
    const state = fault !== undefined ? 'UNHEALTHY' : this.#inFlight > 0 ? 'BUSY' : 'READY';
    if (state !== this.#state) {
      this.#state = state;
      this.#sinceMs = nowMs;
    }
    const { answers, consecutiveFailures } = this.#health;
    return {
      id: this.#id,
      state,
      ...(model === undefined ? {} : { model }),
      inFlight: this.#inFlight,
      jobsDone: answers.count,
      restarts: 0,
      consecutiveFailures,
      successRate: answers.successRate,
      averageResponseMs: answers.responseTimeMs,
      healthScore: fault === undefined ? this.#health.score(nowMs) : 0,
      breaker: breaker?.state ?? 'CLOSED',
      ...(typeof breaker?.retryAfterMs === 'number' ? { retryAtMs: nowMs + breaker.retryAfterMs } : {}),
      ...(fault === undefined ? {} : { fault: { code: fault.code, message: fault.message } }),
      sinceMs: this.#sinceMs,
    };
  }
}
