import type { ExponentialBackoff, Random } from './backoff.ts';
import {
  type BreakerOptions,
  type BreakerSnapshot,
  DEFAULT_HALF_OPEN_SUCCESSES,
} from './breaker/breaker-state.ts';
import { CircuitBreaker } from './breaker/circuit-breaker.ts';
import { Bulkhead, type BulkheadOptions } from './bulkhead/bulkhead.ts';
import type { Classify } from './classification.ts';
import type { Clock } from './clock.ts';
import type { Policies } from './compose/compose.ts';
import { createRateLimiter, type RateLimitOptions } from './rate-limit.ts';
import type { RetryPolicy } from './retry.ts';

/** The numbers one kind of service is called with. Plain data; `createPolicies` makes working policies of it. */
export interface ResilienceProfile {
  readonly name: string;
  /** Time for one attempt, ms. */
  readonly timeoutMs: number;
  /** Whether no attempt gets more, however slow the service is known to be. */
  readonly isTimeoutFixed?: boolean;
  readonly breaker: BreakerOptions;
  /** What is one call of the breaker. Default 'attempts'. */
  readonly breakerCounts?: 'attempts' | 'requests';
  /** Absent: one attempt. */
  readonly retry?: RetryPolicy;
  /** Absent: no cap. */
  readonly bulkhead?: BulkheadOptions;
  /** Absent: no limit. */
  readonly rateLimit?: RateLimitOptions;
}

export interface PolicySetup {
  readonly classify: Classify;
  readonly isFailure?: BreakerOptions['isFailure'];
  readonly breakerSnapshot?: BreakerSnapshot | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/**
 * Makes working policies of a profile: one set per service, or per worker.
 *
 * @example
 * import { createPolicies, guarded } from '@taleback/resilience';
 * const policies = createPolicies(guarded, { classify: () => ({ retryable: false }) });
 * console.log(policies.breaker?.status().state, policies.timeoutMs); // CLOSED 15000
 */
export function createPolicies(
  profile: ResilienceProfile,
  setup: PolicySetup,
): Policies & { readonly breaker: CircuitBreaker } {
  const { classify, isFailure, breakerSnapshot: snapshot, clock, random } = setup;
  const breakerOptions = isFailure === undefined ? profile.breaker : { ...profile.breaker, isFailure };
  return {
    bulkhead: profile.bulkhead && new Bulkhead(profile.bulkhead),
    retry: profile.retry,
    classify,
    breaker: new CircuitBreaker(breakerOptions, { clock, snapshot }),
    breakerCounts: profile.breakerCounts,
    rateLimit: profile.rateLimit && createRateLimiter(profile.rateLimit, clock),
    timeoutMs: profile.timeoutMs,
    clock,
    random,
  };
}

const MINUTE_MS = 60_000;
/** An unbounded queue only hides a slow provider; 100 jobs are over half an hour at 3 at a time and 60 s each. */
const MAX_QUEUED = 100;

/** 1, 2, 4 s. Clients that failed together return apart, and none before half its delay. */
const PROVIDER_BACKOFF = {
  kind: 'exponential',
  initialMs: 1_000,
  factor: 2,
  maxMs: 4_000,
  jitter: 'equal',
} as const;
const THREE_AT_A_TIME = { maxConcurrent: 3, maxQueued: MAX_QUEUED };
const FIVE_IN_A_ROW = { kind: 'consecutive', failures: 5 } as const;

/** A Kokoro server over HTTP. @see docs/origins.md#retries */
export const kokoro = {
  name: 'kokoro',
  timeoutMs: 60_000,
  retry: { maxAttempts: 4, backoff: PROVIDER_BACKOFF },
  bulkhead: THREE_AT_A_TIME,
  breaker: { strategy: FIVE_IN_A_ROW, cooldownMs: 60_000, halfOpenSuccesses: 2 },
} as const satisfies ResilienceProfile;

/** The ElevenLabs API: one retry less. @see docs/origins.md#retries */
export const elevenlabs = {
  ...kokoro,
  name: 'elevenlabs',
  retry: { maxAttempts: 3, backoff: PROVIDER_BACKOFF },
} as const satisfies ResilienceProfile;

/**
 * The Edge voices, a service without any guarantee: the cool-down follows how long its outages last.
 *
 * @see docs/origins.md#breaker-status
 * @see docs/origins.md#reuse-and-adaptation
 */
export const edge = {
  name: 'edge',
  timeoutMs: 60_000,
  retry: { maxAttempts: 3, backoff: PROVIDER_BACKOFF },
  bulkhead: THREE_AT_A_TIME,
  breaker: {
    strategy: FIVE_IN_A_ROW,
    cooldownMs: 300_000,
    halfOpenSuccesses: 1,
    adaptive: { minMs: 60_000, maxMs: 600_000 },
  },
  breakerCounts: 'requests', // a failure is recorded after all retries
} as const satisfies ResilienceProfile;

/** A service on the same machine, which retries could bring down. @see docs/origins.md#guarded-profile */
export const guarded = {
  name: 'guarded',
  timeoutMs: 15_000,
  isTimeoutFixed: true,
  retry: {
    maxAttempts: 2,
    // 4 to 16 s; jitter never goes below 4 s.
    backoff: {
      kind: 'exponential',
      initialMs: 4_000,
      factor: 2,
      minMs: 4_000,
      maxMs: 16_000,
      jitter: 'full',
    },
  },
  bulkhead: { maxConcurrent: 2, maxQueued: MAX_QUEUED },
  breaker: { strategy: FIVE_IN_A_ROW, cooldownMs: 300_000, halfOpenSuccesses: 2 },
  // In any minute, so not a bucket that may burst to 20.
  rateLimit: { kind: 'sliding-window', permits: 10, windowMs: MINUTE_MS },
} as const satisfies ResilienceProfile;

const ONE_AT_A_TIME = { ...THREE_AT_A_TIME, maxConcurrent: 1 };

/** A Coqui demonstration server with one lock around everything: one request at a time and few retries. */
export const coqui = {
  ...kokoro,
  name: 'coqui',
  retry: guarded.retry,
  bulkhead: ONE_AT_A_TIME,
} as const satisfies ResilienceProfile;

/**
 * A Chatterbox server: Kokoro's numbers, with another minute for the text that is spoken before ours. A busy server answers
 * no other request, also while it works for a caller that has hung up.
 */
export const chatterbox = {
  ...kokoro,
  name: 'chatterbox',
  timeoutMs: 120_000,
  bulkhead: ONE_AT_A_TIME,
} as const satisfies ResilienceProfile;

/** One worker process of the pool, whose manager queues and retries on another worker. @see docs/origins.md#worker-breaker */
export const worker = {
  name: 'worker',
  timeoutMs: 10_000,
  retry: { maxAttempts: 4, backoff: PROVIDER_BACKOFF },
  breaker: {
    // A worker makes a few calls a minute, so the window counts calls, not time, and forgets a bad model in minutes.
    strategy: { kind: 'count-window', failureRatio: 0.5, size: 20, minimumCalls: 5 },
    cooldownMs: 60_000,
    halfOpenSuccesses: 2,
  },
} as const satisfies ResilienceProfile;

export const PROFILES = { kokoro, chatterbox, coqui, elevenlabs, edge, guarded, worker } as const;

/** What can be changed in a profile, one number each. Undefined: the profile has none. */
export interface ProfileNumbers {
  readonly timeoutMs: number;
  /** Attempts after the first. */
  readonly retries: number;
  readonly backoffFirstMs: number | undefined;
  readonly backoffMostMs: number | undefined;
  readonly maxConcurrent: number | undefined;
  /** 0: no limit. */
  readonly requestsPerMinute: number;
  /** In a row, until the breaker opens. */
  readonly failures: number | undefined;
  readonly successes: number;
  readonly cooldownMs: number;
  /** Bounds of an adaptive cool-down. */
  readonly cooldownMinMs: number | undefined;
  readonly cooldownMaxMs: number | undefined;
}

const exponentialOf = ({ retry }: ResilienceProfile): ExponentialBackoff | undefined =>
  retry?.backoff.kind === 'exponential' ? retry.backoff : undefined;

/**
 * The numbers of a profile.
 *
 * @example
 * import { guarded, numbersOf } from '@taleback/resilience';
 * console.log(numbersOf(guarded).requestsPerMinute); // 10
 */
export function numbersOf(profile: ResilienceProfile): ProfileNumbers {
  const { timeoutMs, retry, bulkhead, breaker, rateLimit } = profile;
  const { strategy, cooldownMs, halfOpenSuccesses, adaptive } = breaker;
  const backoff = exponentialOf(profile);
  return {
    timeoutMs,
    retries: (retry?.maxAttempts ?? 1) - 1,
    backoffFirstMs: backoff?.initialMs,
    backoffMostMs: backoff?.maxMs,
    maxConcurrent: bulkhead?.maxConcurrent,
    requestsPerMinute: rateLimit?.permits ?? 0,
    failures: strategy.kind === 'consecutive' ? strategy.failures : undefined,
    successes: halfOpenSuccesses ?? DEFAULT_HALF_OPEN_SUCCESSES,
    cooldownMs,
    cooldownMinMs: adaptive?.minMs,
    cooldownMaxMs: adaptive?.maxMs,
  };
}

/**
 * A profile with some of its numbers changed. Bounds that a changed number exceeds follow it.
 *
 * @example
 * import { guarded, numbersOf, withNumbers } from '@taleback/resilience';
 * console.log(numbersOf(withNumbers(guarded, { cooldownMs: 30_000 })).cooldownMs); // 30000
 */
export function withNumbers(profile: ResilienceProfile, changes: Partial<ProfileNumbers>): ResilienceProfile {
  const { rateLimit: _, ...others } = profile;
  const numbers = { ...numbersOf(profile), ...changes };
  const { cooldownMs, cooldownMinMs, cooldownMaxMs, failures, maxConcurrent, requestsPerMinute } = numbers;
  const backoff: ExponentialBackoff = exponentialOf(profile) ?? PROVIDER_BACKOFF;
  const { backoffFirstMs: initialMs = backoff.initialMs, backoffMostMs = backoff.maxMs } = numbers;
  const minMs = Math.min(backoff.minMs ?? 0, initialMs);
  const isAdaptive = cooldownMinMs !== undefined || cooldownMaxMs !== undefined;
  return {
    ...others,
    timeoutMs: numbers.timeoutMs,
    retry: {
      maxAttempts: numbers.retries + 1,
      backoff: { ...backoff, initialMs, minMs, maxMs: Math.max(initialMs, backoffMostMs) },
    },
    breaker: {
      ...profile.breaker,
      cooldownMs,
      halfOpenSuccesses: numbers.successes,
      ...(failures !== undefined && { strategy: { kind: 'consecutive', failures } }),
      ...(isAdaptive && {
        adaptive: {
          minMs: Math.min(cooldownMinMs ?? cooldownMs, cooldownMs),
          maxMs: Math.max(cooldownMaxMs ?? cooldownMs, cooldownMs),
        },
      }),
    },
    ...(maxConcurrent !== undefined && {
      bulkhead: { maxQueued: MAX_QUEUED, ...profile.bulkhead, maxConcurrent },
    }),
    ...(requestsPerMinute > 0 && {
      rateLimit: { kind: 'sliding-window', permits: requestsPerMinute, windowMs: MINUTE_MS },
    }),
  };
}
