import { healthScore } from './health-score.ts';
import { RecentAnswers } from './recent-answers.ts';

/** What is known of the health of one worker: its answers to requests and to pings. Times are epoch milliseconds. */
export class WorkerHealth {
  readonly #intervalMs: number;
  readonly answers = new RecentAnswers();
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

  /** Failed requests and missed pings in a row. */
  get consecutiveFailures(): number {
    return this.#failuresInRow + this.#misses;
  }

  /** A new child begins: pings to the last one are no longer waited for. */
  restart(nowMs: number): void {
    this.#pingSentAtMs = undefined;
    this.#isPinged = false;
    this.#pingMs = 0;
    this.#misses = 0;
    this.#heardAtMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  answered(isSound: boolean, responseTimeMs: number): void {
    this.answers.record(isSound, responseTimeMs);
    this.#failuresInRow = isSound ? 0 : this.#failuresInRow + 1;
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
      successRate: this.answers.successRate,
      consecutiveFailures: this.consecutiveFailures,
      responseTimeMs: this.#pingMs,
      // One that is never pinged has no reason to speak while it has nothing to do.
      silentMs: this.#isPinged ? nowMs - this.#heardAtMs : 0,
      intervalMs: this.#intervalMs,
    });
  }
}
