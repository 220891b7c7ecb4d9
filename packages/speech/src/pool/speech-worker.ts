import { errorFromReport, type ErrorReport, reportError, toTalebackError } from '@taleback/core';
import {
  type AdaptiveTimeout,
  CircuitBreaker,
  type Clock,
  type Permit,
  withNumbers,
  worker,
} from '@taleback/resilience';
import type { Candidate } from './balancer.ts';
import { reportBreaker } from './breaker-report.ts';
import { ChildLife } from './child-life.ts';
import type { TtsManagerConfig } from './pool-config.ts';
import type { ChildPulse, OpenSpeechChild } from './speech-child.ts';
import { countsAgainstWorker, deadlineOf, type SpeechJob } from './speech-job.ts';
import type { AttemptEnd, WorkerSnapshot, WorkerState } from './speech-line.ts';
import { WorkerHealth } from './worker-health.ts';

export interface SpeechWorkerOptions {
  readonly id: string;
  readonly openChild: OpenSpeechChild;
  /** Whether its child is a thread of this process. */
  readonly isThread: boolean;
  readonly config: TtsManagerConfig;
  readonly clock: Clock;
  /** Shared by the workers of a pool: they speak with the same engine. */
  readonly timeouts: AdaptiveTimeout;
  readonly onState: (worker: SpeechWorker, from: WorkerState, cause: string | undefined) => void;
  readonly onGone: (worker: SpeechWorker, cause: string) => void;
}

interface Attempt {
  readonly job: SpeechJob;
  readonly permit: Permit;
  readonly sentAtMs: number;
  readonly onEnd: (end: AttemptEnd, generationMs: number) => void;
  stopTimer: () => void;
}

/** A breaker that refused without a known time is asked again after this, in milliseconds. */
const REFUSED_POLL_MS = 1_000;
/** A child that does not stop a cancelled request within this time is killed, in milliseconds. */
const CANCEL_MS = 1_000;

/**
 * One place in the pool: a child, replaced when it is lost, its requests, its health and its circuit breaker. The breaker
 * outlives the child, so that a place whose children keep dying gets no work.
 */
export class SpeechWorker implements Candidate {
  readonly id: string;
  readonly isThread: boolean;
  readonly breaker: CircuitBreaker;
  readonly life: ChildLife;
  readonly health: WorkerHealth;
  model: string | undefined;
  /** Until when its breaker is known to refuse, epoch milliseconds. */
  refusedUntilMs = 0;
  /** Requests that its current, or last, child ended. */
  childJobs = 0;
  /** Why its child leaves, if it does: its place goes, or gets another child. Like the next two, kept by the roster. */
  leaving: 'removed' | 'recycled' | undefined;
  /** Children lost in a row without a request done in between. */
  losses = 0;
  stopRestart: () => void = () => {};
  readonly #options: SpeechWorkerOptions;
  readonly #attempts = new Map<string, Attempt>();
  #pulse: ChildPulse | undefined;
  #isOnTrial = false;

  constructor(options: SpeechWorkerOptions) {
    const { id, isThread, clock, config, onState, onGone } = options;
    this.id = id;
    this.isThread = isThread;
    this.#options = options;
    this.health = new WorkerHealth(config.health.intervalMs, clock.now());
    this.life = new ChildLife(clock, config.workerPool.startTimeoutMs, {
      onState: (from, cause) => onState(this, from, cause),
      onReady: ({ model }) => {
        this.health.heard(clock.now());
        this.model = model;
      },
      onSpoken: (correlationId, sound) => this.#settle(correlationId, { kind: 'spoken', sound }),
      onFailed: (correlationId, error) => this.#settle(correlationId, { kind: 'failed', error }),
      onPulse: (pulse) => {
        this.#pulse = pulse;
        this.health.pulse(clock.now());
      },
      onGone: (cause) => {
        for (const correlationId of this.#attempts.keys()) this.#fail(correlationId, workerLost(cause));
        onGone(this, cause);
      },
    });
    this.breaker = openBreaker(config.circuitBreaker, clock);
    this.breaker.onChange(({ to }) => {
      this.#isOnTrial = to.kind === 'half-open';
      if (to.kind === 'isolated') this.refusedUntilMs = Number.POSITIVE_INFINITY;
      else this.refusedUntilMs = to.kind === 'open' ? to.retryAtMs : 0;
    });
  }

  get queueDepth(): number {
    return this.#attempts.size;
  }
  get responseTimeMs(): number {
    return this.health.responseTimeMs;
  }
  get successRate(): number {
    return this.health.successRate;
  }
  get servedMs(): number {
    return this.life.servedMs;
  }
  /** Resident memory as last reported; 0 before. */
  get rssBytes(): number {
    return this.#pulse?.rssBytes ?? 0;
  }
  /** True while it can be given another request. */
  get hasRoom(): boolean {
    if (!this.life.isServing) return false;
    if (this.refusedUntilMs > 0 && this.refusedUntilMs > this.#options.clock.now()) return false;
    // A half-open breaker has one trial at a time.
    return this.#attempts.size < (this.#isOnTrial ? 1 : (this.life.readiness?.concurrency ?? 1));
  }

  /** Asks its breaker for one request. */
  admit(): Permit | undefined {
    const admission = this.breaker.tryAdmit();
    if (admission.admitted) return admission;
    const untilMs = this.#options.clock.now() + (admission.retryAfterMs ?? REFUSED_POLL_MS);
    this.refusedUntilMs = Math.max(this.refusedUntilMs, untilMs);
    return undefined;
  }

  /** Starts a child. Only when it has none. */
  start(): void {
    this.#pulse = undefined;
    this.model = undefined;
    this.childJobs = 0;
    this.health.restart(this.#options.clock.now());
    this.life.start(this.id, this.#options.openChild);
  }

  /** Hands a job over. It must have room, and the permit of its breaker. */
  run(job: SpeechJob, permit: Permit, onEnd: Attempt['onEnd']): void {
    const { clock, timeouts, config } = this.#options;
    const { request } = job;
    job.attempts += 1;
    const ownMs = timeouts.timeoutMs(request.text.length, job.attempts);
    const timeoutMs = Math.max(1, Math.min(ownMs, deadlineOf(config) - job.spentMs));
    job.lastWorkerId = this.id;
    const correlationId = `req-${job.id}-${job.attempts}`;
    const overdue = (): void => {
      this.life.kill('a request took too long');
      this.#fail(correlationId, timedOut(timeoutMs));
    };
    const stopTimer = clock.setTimer(overdue, timeoutMs);
    this.#attempts.set(correlationId, { job, permit, sentAtMs: clock.now(), onEnd, stopTimer });
    this.model = job.model;
    this.life.becomeBusy(true);
    try {
      this.life.child?.speak({ correlationId, request, retryCount: job.attempts - 1 });
    } catch (error) {
      // It could not even be sent.
      this.#fail(correlationId, reportError(toTalebackError(error)));
    }
  }

  /** The caller gave up: the child is asked to stop, and killed when it does not. */
  cancel(job: SpeechJob): void {
    for (const [correlationId, attempt] of this.#attempts) {
      if (attempt.job !== job) continue;
      attempt.stopTimer();
      const late = (): void => this.life.kill('did not stop a cancelled request');
      attempt.stopTimer = this.#options.clock.setTimer(late, CANCEL_MS);
      this.life.child?.cancel(correlationId);
    }
  }

  /** Closes its breaker and forgets what it counted. */
  resetBreaker(): void {
    this.health.forget();
    this.breaker.reset();
  }

  /** One health check: counts the last ping if it was not answered, and sends the next. */
  checkHealth(): void {
    const { child, isServing } = this.life;
    if (!isServing || child?.answersPings !== true) return;
    const { clock, config } = this.#options;
    const misses = this.health.pinging(clock.now());
    if (misses >= config.health.maxMisses) this.life.kill(`${misses} health checks without an answer`);
    else child.ping();
  }

  /** Lets it finish its requests, then leave. */
  leave(cause: string): void {
    this.life.beginToLeave(cause);
    if (this.life.state === 'SHUTTING_DOWN' && this.#attempts.size === 0) this.life.askToLeave();
  }

  snapshot(): WorkerSnapshot {
    const { child, readiness, state, starts, sinceMs } = this.life;
    const nowMs = this.#options.clock.now();
    return {
      id: this.id,
      state,
      pid: child?.pid,
      protocol: readiness?.protocol,
      model: this.model,
      inFlight: this.#attempts.size,
      restarts: Math.max(0, starts - 1),
      ...this.health.snapshot(),
      healthScore: state === 'TERMINATED' ? 0 : this.health.score(nowMs),
      rssBytes: this.#pulse?.rssBytes,
      ...reportBreaker(this.breaker, this.id, nowMs),
      sinceMs,
    };
  }

  #fail(correlationId: string, error: ErrorReport): void {
    this.#settle(correlationId, { kind: 'failed', error });
  }

  #settle(correlationId: string, reported: AttemptEnd): void {
    const attempt = this.#attempts.get(correlationId);
    if (attempt === undefined) return;
    this.#attempts.delete(correlationId);
    attempt.stopTimer();
    const { clock, timeouts } = this.#options;
    const { job, permit, sentAtMs, onEnd } = attempt;
    const nowMs = clock.now();
    const generationMs = nowMs - sentAtMs;
    const end = job.isEnded ? reported : unlessCancelled(reported);
    this.health.heard(nowMs);
    // A child that is ended because a caller gave up has done nothing wrong.
    if (this.life.state !== 'TERMINATED' || job.isEnded) this.childJobs += 1;
    job.spentMs += generationMs;
    if (end.kind === 'spoken') timeouts.observe(job.request.text.length, generationMs);
    if (this.#attempts.size === 0) {
      if (this.life.state === 'SHUTTING_DOWN') this.life.askToLeave();
      else this.life.becomeBusy(false);
    }
    if (end.kind === 'failed' && job.isEnded) this.breaker.release(permit);
    else {
      const isSound = end.kind === 'spoken' || !countsAgainstWorker(end.error);
      this.health.answered(isSound, generationMs);
      if (isSound) this.breaker.recordSuccess(permit);
      else if (end.kind === 'failed') this.breaker.recordFailure(permit, errorFromReport(end.error));
    }
    onEnd(end, generationMs);
  }
}

const timedOut = (timeoutMs: number): ErrorReport => ({
  code: 'timed_out',
  message: 'A part of the text took too long to speak.',
  details: `no answer within ${Math.round(timeoutMs)} ms`,
  retryable: true,
});

const workerLost = (details: string): ErrorReport => ({
  code: 'worker_lost',
  message: 'The speech process was lost.',
  details,
  retryable: true,
});

/** A child that cancels a request that is still wanted is leaving: it counts as lost. */
const unlessCancelled = (end: AttemptEnd): AttemptEnd =>
  end.kind === 'failed' && end.error.code === 'job_cancelled'
    ? { kind: 'failed', error: workerLost(`it refused a request: ${end.error.message}`) }
    : end;

/** @see docs/origins.md#worker-breaker */
const openBreaker = (config: TtsManagerConfig['circuitBreaker'], clock: Clock): CircuitBreaker => {
  const { failureThreshold: failureRatio, windowCalls, minimumCalls, consecutiveFailures } = config;
  const { resetTimeoutMs: cooldownMs, minResetTimeoutMs, maxResetTimeoutMs, halfOpenSuccesses } = config;
  const size = Math.max(windowCalls, minimumCalls);
  const strategy = { kind: 'count-window', failureRatio, size, minimumCalls } as const;
  const shared = { ...worker, breaker: { strategy, cooldownMs, halfOpenSuccesses } };
  const { breaker } = withNumbers(shared, {
    failures: consecutiveFailures,
    cooldownMinMs: minResetTimeoutMs,
    cooldownMaxMs: maxResetTimeoutMs,
  });
  return new CircuitBreaker(breaker, { clock });
};
