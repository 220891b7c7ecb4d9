/** Recent answers that the averages are made of. */
const WINDOW = 20;
/** Weight of the newest answer in the average time. */
const NEWEST = 0.2;
/** Seed 004 names both penalties without numbers. With the failures, a slow and silent worker comes to 0. */
const MAX_PENALTY = 20;
const MS_PER_POINT_OF_RESPONSE = 50;

export interface HealthFigures {
  /** Share of recent answers that succeeded, 0 to 1. */
  readonly successRate: number;
  /** Calls or pings that failed in a row. */
  readonly consecutiveFailures: number;
  /** How long the last ping took, in milliseconds. */
  readonly responseTimeMs: number;
  /** Since the worker last answered anything, in milliseconds. */
  readonly silentMs: number;
  /** Time between health checks, in milliseconds. */
  readonly intervalMs: number;
}

const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), max);

/**
 * ```
 * healthScore = 100 * successRate
 *   - min(consecutiveFailures * 20, 80)
 *   - responseTimePenalty      one point for each 50 ms of a ping, 20 at most
 *   - stalenessPenalty         one point for each tenth of an interval of silence after the first, 20 at most
 * ```
 * @returns 0 (worst) to 100
 * @see docs/origins.md#health-score
 */
export const healthScore = (figures: HealthFigures): number => {
  const { successRate, consecutiveFailures, responseTimeMs, silentMs, intervalMs } = figures;
  const responseTimePenalty = clamp(responseTimeMs / MS_PER_POINT_OF_RESPONSE, MAX_PENALTY);
  const stalenessPenalty = clamp((silentMs - intervalMs) / (intervalMs / 10), MAX_PENALTY);
  const score =
    100 * successRate - Math.min(consecutiveFailures * 20, 80) - responseTimePenalty - stalenessPenalty;
  return Math.round(clamp(score, 100));
};

/** The health of one worker: its answers to requests and to pings. Times are epoch milliseconds. */
export class WorkerHealth {
  /** Requests that it answered since the beginning. */
  jobsDone = 0;
  /** Moving average of its answers, in milliseconds; 0 before the first. */
  responseTimeMs = 0;
  /** Whether each of the last answers was sound. */
  readonly #recent: boolean[] = [];
  readonly #intervalMs: number;
  #failuresInRow = 0;
  #pingSentAtMs: number | undefined;
  #isPinged = false;
  #pingMs = 0;
  #heardAtMs: number;
  #misses = 0;

  constructor(intervalMs: number, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#heardAtMs = nowMs;
  }

  /** Of the last 20 answers, 0 to 1; 1 before the first. */
  get successRate(): number {
    return this.#recent.length === 0 ? 1 : this.#recent.filter(Boolean).length / this.#recent.length;
  }

  /** Failed requests and missed pings in a row. */
  get consecutiveFailures(): number {
    return this.#failuresInRow + this.#misses;
  }

  /** A new child begins: pings to the previous one no longer matter. */
  restart(nowMs: number): void {
    this.#pingSentAtMs = undefined;
    this.#isPinged = false;
    this.#pingMs = 0;
    this.#misses = 0;
    this.#heardAtMs = nowMs;
  }

  /** Its breaker was reset by hand: the answers before no longer matter. */
  forget(): void {
    this.#failuresInRow = 0;
    this.#recent.length = 0;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  answered(isSound: boolean, elapsedMs: number): void {
    this.#failuresInRow = isSound ? 0 : this.#failuresInRow + 1;
    this.#recent.push(isSound);
    if (this.#recent.length > WINDOW) this.#recent.shift();
    this.responseTimeMs =
      this.jobsDone === 0 ? elapsedMs : this.responseTimeMs * (1 - NEWEST) + elapsedMs * NEWEST;
    this.jobsDone += 1;
  }

  pulse(nowMs: number): void {
    if (this.#pingSentAtMs !== undefined) this.#pingMs = nowMs - this.#pingSentAtMs;
    this.#pingSentAtMs = undefined;
    this.#misses = 0;
    this.#heardAtMs = nowMs;
  }

  /** A ping goes out. @returns how many in a row were not answered before it */
  pinging(nowMs: number): number {
    this.#isPinged = true;
    if (this.#pingSentAtMs === undefined) this.#pingSentAtMs = nowMs;
    else this.#misses += 1;
    return this.#misses;
  }

  /** 0 to 100. */
  score(nowMs: number): number {
    return healthScore({
      successRate: this.successRate,
      consecutiveFailures: this.consecutiveFailures,
      responseTimeMs: this.#pingMs,
      // A worker that is never pinged has no reason to speak while it is idle.
      silentMs: this.#isPinged ? nowMs - this.#heardAtMs : 0,
      intervalMs: this.#intervalMs,
    });
  }

  /** Its part of the state of a worker. */
  snapshot() {
    const { jobsDone, successRate, responseTimeMs: averageResponseMs } = this;
    return { jobsDone, successRate, averageResponseMs };
  }
}
