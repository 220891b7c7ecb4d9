import { type ErrorReport, reportError, toTalebackError } from '@taleback/core';
import type { AdaptiveTimeout, CircuitBreaker, Clock, Permit } from '@taleback/resilience';
import type { Pcm } from '../audio/index.ts';
import type { WorkerSnapshot, WorkerState } from '../status/index.ts';
import type { Candidate } from './balance-index.ts';
import { WorkerHealth } from './health-index.ts';
import type { TtsManagerConfig } from '../manager/manager-config.ts';
import { Attempts } from './attempts.ts';
import { ChildLife } from './child-life.ts';
import type { ChildPulse, ChildReadiness, OpenSpeechChild } from './speech-child.ts';
import type { SpeechJob } from './speech-job.ts';
import { createWorkerBreaker } from './worker-breaker.ts';
import { speaksAgainstWorker, timedOut, workerLost } from './worker-errors.ts';

/** How one try of a job ended. */
export type AttemptEnd =
  | { readonly kind: 'spoken'; readonly sound: Pcm }
  | { readonly kind: 'failed'; readonly error: ErrorReport };

export interface SpeechWorkerEvents {
  readonly onState: (worker: SpeechWorker, from: WorkerState, cause: string | undefined) => void;
  readonly onAttemptEnd: (
    worker: SpeechWorker,
    job: SpeechJob,
    end: AttemptEnd,
    generationMs: number,
  ) => void;
  /** Its child is gone. `wasReady`: it could speak before. */
  readonly onGone: (worker: SpeechWorker, wasReady: boolean, cause: string) => void;
}

export interface SpeechWorkerOptions {
  readonly id: string;
  readonly config: TtsManagerConfig;
  readonly clock: Clock;
  /** Shared by the workers of a pool: they speak with the same engine. */
  readonly timeouts: AdaptiveTimeout;
  readonly events: SpeechWorkerEvents;
}

/** A breaker that refused although it was not known to is asked again after this, in milliseconds. */
const REFUSED_POLL_MS = 1_000;
/** A child that was told to stop a request and has not within this time is ended, in milliseconds. */
const CANCEL_MS = 1_000;

/**
 * One place in the pool: a child, replaced when it is lost, the requests it works on, and what is known of it. Its
 * circuit breaker outlives the child, so that a place whose children die one after the other is left alone.
 *
 * @see seed 004, "Worker Process"
 */
export class SpeechWorker implements Candidate {
  readonly id: string;
  readonly breaker: CircuitBreaker;
  readonly #options: SpeechWorkerOptions;
  readonly #life: ChildLife;
  readonly #health: WorkerHealth;
  readonly #attempts: Attempts;
  #pulse: ChildPulse | undefined;
  #model: string | undefined;
  #refusedUntilMs = 0;
  #isOnTrial = false;
  #childJobs = 0;

  constructor(options: SpeechWorkerOptions) {
    const { id, clock, config, events } = options;
    this.id = id;
    this.#options = options;
    this.#attempts = new Attempts(clock);
    this.#health = new WorkerHealth(config.health.intervalMs, clock.now());
    this.#life = new ChildLife(clock, config.workerPool.startTimeoutMs, {
      onState: (from, cause) => events.onState(this, from, cause),
      onReady: (readiness) => this.#ready(readiness),
      onSpoken: (correlationId, sound) => this.#settle(correlationId, { kind: 'spoken', sound }),
      onFailed: (correlationId, error) => this.#settle(correlationId, { kind: 'failed', error }),
      onPulse: (pulse) => {
        this.#pulse = pulse;
        this.#health.pulse(clock.now());
      },
      onGone: (wasReady, cause) => this.#gone(wasReady, cause),
    });
    this.breaker = createWorkerBreaker(config.circuitBreaker, clock);
    this.breaker.onChange(({ to }) => {
      this.#isOnTrial = to.kind === 'half-open';
      if (to.kind === 'isolated') this.#refusedUntilMs = Number.POSITIVE_INFINITY;
      else this.#refusedUntilMs = to.kind === 'open' ? to.retryAtMs : 0;
    });
  }

  get state(): WorkerState {
    return this.#life.state;
  }
  /** Since when it is in its state, epoch milliseconds. */
  get sinceMs(): number {
    return this.#life.sinceMs;
  }
  get isServing(): boolean {
    return this.#life.isServing;
  }
  get queueDepth(): number {
    return this.#attempts.size;
  }
  get responseTimeMs(): number {
    return this.#health.answers.responseTimeMs;
  }
  get successRate(): number {
    return this.#health.answers.successRate;
  }
  get model(): string | undefined {
    return this.#model;
  }
  /** Resident memory when it last said so; 0 when it has not. */
  get rssBytes(): number {
    return this.#pulse?.rssBytes ?? 0;
  }
  /** Requests that its present, or last, child has brought to an end. */
  get childJobs(): number {
    return this.#childJobs;
  }
  /** How long its present, or last, child could speak, in milliseconds. */
  get servedMs(): number {
    return this.#life.servedMs;
  }
  get restarts(): number {
    return Math.max(0, this.#life.starts - 1);
  }
  /** Until when its breaker is known to let nothing through, epoch milliseconds. */
  get refusedUntilMs(): number {
    return this.#refusedUntilMs;
  }
  /** True while it can be given another request. */
  get hasRoom(): boolean {
    if (!this.#life.isServing) return false;
    // Nearly always 0, and then nobody needs to know the time.
    if (this.#refusedUntilMs > 0 && this.#refusedUntilMs > this.#options.clock.now()) return false;
    // A half-open breaker has one trial at a time.
    return this.#attempts.size < (this.#isOnTrial ? 1 : (this.#life.readiness?.concurrency ?? 1));
  }

  /** Asks its breaker for one request. */
  admit(): Permit | undefined {
    const admission = this.breaker.tryAdmit();
    if (admission.admitted) return admission;
    const untilMs = this.#options.clock.now() + (admission.retryAfterMs ?? REFUSED_POLL_MS);
    this.#refusedUntilMs = Math.max(this.#refusedUntilMs, untilMs);
    return undefined;
  }

  /** Starts a child. Only when it has none. */
  start(open: OpenSpeechChild): void {
    this.#pulse = undefined;
    this.#model = undefined;
    this.#childJobs = 0;
    this.#health.restart(this.#options.clock.now());
    this.#life.start(this.id, open);
  }

  /** Hands a job over. It must have room, and the permit of its breaker. */
  run(job: SpeechJob, permit: Permit): void {
    const { request } = job;
    const timeoutMs = this.#options.timeouts.timeoutMs(request.text.length);
    job.attempts += 1;
    job.lastWorkerId = this.id;
    const { correlationId } = this.#attempts.begin(job, permit, timeoutMs, (attempt) => {
      this.kill('a request took too long');
      this.#settle(attempt.correlationId, { kind: 'failed', error: timedOut(timeoutMs) });
    });
    this.#model = job.model;
    this.#life.becomeBusy(true);
    try {
      this.#life.child?.speak({ correlationId, request, retryCount: job.attempts - 1 });
    } catch (error) {
      // It could not even be sent.
      this.#settle(correlationId, { kind: 'failed', error: reportError(toTalebackError(error)) });
    }
  }

  /** The caller gave up: the child is told, and ended if it does not come to an end soon. */
  cancel(job: SpeechJob): void {
    const late = (): void => this.kill('did not stop a cancelled request');
    for (const correlationId of this.#attempts.shorten(job, CANCEL_MS, late)) {
      this.#life.child?.cancel(correlationId);
    }
  }

  /** One health check: counts the last ping if it was not answered, and sends the next. */
  checkHealth(): void {
    const { child, isServing } = this.#life;
    if (!isServing || child?.answersPings !== true) return;
    const { clock, config } = this.#options;
    const misses = this.#health.pinging(clock.now());
    if (misses >= config.health.maxMisses) this.kill(`${misses} health checks without an answer`);
    else child.ping();
  }

  /** Lets it finish what it has, then leave. */
  leave(cause: string): void {
    this.#life.beginToLeave(cause);
    if (this.state === 'SHUTTING_DOWN' && this.#attempts.size === 0) this.#life.askToLeave();
  }

  /** Ends its child at once; what it was doing fails as lost. */
  kill(cause: string): void {
    this.#life.kill(cause);
  }

  snapshot(): WorkerSnapshot {
    const { answers, consecutiveFailures } = this.#health;
    const { child, readiness, state, sinceMs } = this.#life;
    const rssBytes = this.#pulse?.rssBytes;
    const breaker = this.breaker.status();
    const nowMs = this.#options.clock.now();
    return {
      id: this.id,
      state,
      ...(child?.pid === undefined ? {} : { pid: child.pid }),
      ...(readiness === undefined ? {} : { protocol: readiness.protocol }),
      ...(this.#model === undefined ? {} : { model: this.#model }),
      inFlight: this.#attempts.size,
      jobsDone: answers.count,
      restarts: this.restarts,
      consecutiveFailures,
      successRate: answers.successRate,
      averageResponseMs: answers.responseTimeMs,
      healthScore: state === 'TERMINATED' ? 0 : this.#health.score(nowMs),
      ...(rssBytes === undefined ? {} : { rssBytes }),
      breaker: breaker.state,
      ...(breaker.retryAfterMs === null ? {} : { retryAtMs: nowMs + breaker.retryAfterMs }),
      sinceMs,
    };
  }

  #ready(readiness: ChildReadiness): void {
    this.#health.heard(this.#options.clock.now());
    this.#model = readiness.model;
  }

  #settle(correlationId: string, said: AttemptEnd): void {
    const attempt = this.#attempts.take(correlationId);
    if (attempt === undefined) return;
    const { clock, timeouts, events } = this.#options;
    const { job, permit, sentAtMs } = attempt;
    const nowMs = clock.now();
    const generationMs = nowMs - sentAtMs;
    const end = job.isEnded ? said : unlessCancelled(said);
    this.#health.heard(nowMs);
    // A child that is ended for a caller that gave up has done nothing wrong.
    if (this.state !== 'TERMINATED' || job.isEnded) this.#childJobs += 1;
    if (end.kind === 'spoken' || end.error.code === 'timed_out') {
      timeouts.observe(job.request.text.length, generationMs);
    }
    if (this.#attempts.size === 0) {
      if (this.state === 'SHUTTING_DOWN') this.#life.askToLeave();
      else this.#life.becomeBusy(false);
    }
    this.#judge(end, job, permit, generationMs);
    events.onAttemptEnd(this, job, end, generationMs);
  }

  #judge(end: AttemptEnd, job: SpeechJob, permit: Permit, generationMs: number): void {
    if (end.kind === 'failed' && job.isEnded) {
      this.breaker.release(permit);
      return;
    }
    // A text that cannot be spoken says nothing against the worker: it answered.
    const isSound = end.kind === 'spoken' || !speaksAgainstWorker(end.error);
    this.#health.answered(isSound, generationMs);
    if (isSound) this.breaker.recordSuccess(permit);
    else this.breaker.recordFailure(permit);
  }

  #gone(wasReady: boolean, cause: string): void {
    this.#attempts.stopTimer();
    for (const correlationId of this.#attempts.correlationIds()) {
      this.#settle(correlationId, { kind: 'failed', error: workerLost(cause) });
    }
    this.#options.events.onGone(this, wasReady, cause);
  }
}

/** A child that cancels what its caller still waits for is leaving of its own accord: as good as lost. */
const unlessCancelled = (end: AttemptEnd): AttemptEnd =>
  end.kind === 'failed' && end.error.code === 'job_cancelled'
    ? { kind: 'failed', error: workerLost(`it refused a request: ${end.error.message}`) }
    : end;
