import { isRecord } from '@taleback/core';
import {
  type Clock,
  compose,
  createPolicies,
  kokoro,
  type Random,
  type ResilienceProfile,
} from '@taleback/resilience';
import {
  classifyRunpodFault,
  type RunpodAnswer,
  RunpodAnswered,
  type RunpodAway,
  type RunpodRefused,
  runpodFailure,
} from './failure.ts';

/** The body of `/run`. @see https://docs.runpod.io/serverless/endpoints/send-requests */
export interface RunpodOrder {
  readonly input: Readonly<Record<string, unknown>>;
  /** What RunPod calls when the job ends. */
  readonly webhook: string;
  readonly policy: { readonly executionTimeout: number; readonly ttl: number };
}

/** The end of `run`. After `away` the job may be running or not. */
export type RunOutcome =
  | { readonly kind: 'accepted'; readonly runpodJobId: string }
  | RunpodRefused
  | RunpodAway;

/** The end of `status`. RunPod forgets jobs 30 minutes after their end, or when their time to live is over. */
export type StatusOutcome =
  | { readonly kind: 'found'; readonly report: unknown }
  | { readonly kind: 'not-found' }
  | RunpodRefused
  | RunpodAway;

export type CancelOutcome =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'not-found' }
  | RunpodRefused
  | RunpodAway;

export interface RunpodRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends one request, follows no redirect, and rejects when no complete answer came. */
export type RunpodHttp = (request: RunpodRequest, signal: AbortSignal) => Promise<RunpodAnswer>;

const { backoff } = kokoro.retry;

/** How RunPod is called: the retries and breaker of HTTP engines. @see docs/origins.md#retries */
const runpodProfile = {
  name: 'runpod',
  // Handing over a job takes RunPod well under a second; it is not the time of the synthesis.
  timeoutMs: 10_000,
  retry: {
    maxAttempts: 4, // 3 retries after 1, 2 and 4 s, with jitter
    backoff,
    // A longer Retry-After is better waited for in the queue than in a function.
    maxRetryAfterMs: 20_000,
    budgetMs: 60_000,
  },
  breaker: kokoro.breaker,
} as const satisfies ResilienceProfile;

/** One endpoint of RunPod's client interface. */
export interface RunpodClient {
  /** Submits a job. It may run although the call failed, so jobs must tolerate running twice. */
  run(order: RunpodOrder): Promise<RunOutcome>;
  status(runpodJobId: string): Promise<StatusOutcome>;
  cancel(runpodJobId: string): Promise<CancelOutcome>;
}

export interface RunpodClientOptions {
  readonly http: RunpodHttp;
  readonly apiUrl: string;
  readonly endpointId: string;
  readonly apiKey: { readonly text: string };
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Unix milliseconds, for a Retry-After that is a date. */
  readonly now: () => number;
}

const jsonOf = (answer: RunpodAnswer): unknown => {
  try {
    return JSON.parse(answer.text) as unknown;
  } catch {
    throw new RunpodAnswered({ ...answer, status: 502 });
  }
};

/** The client of one endpoint, with retries and a breaker of its own. */
export const createRunpodClient = (options: RunpodClientOptions): RunpodClient => {
  const classify = (error: unknown) => classifyRunpodFault(error, options.now());
  const { clock, random } = options;
  const { run } = compose(
    createPolicies(runpodProfile, {
      classify,
      // A refused request says nothing about RunPod's health.
      isFailure: (error) => classify(error).retryable,
      clock,
      random,
    }),
  );
  const call = (method: RunpodRequest['method'], path: string, body?: unknown) =>
    run(async ({ signal }) => {
      const answer = await options.http(
        {
          method,
          url: `${options.apiUrl}/${options.endpointId}/${path}`,
          headers: {
            authorization: `Bearer ${options.apiKey.text}`,
            accept: 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        signal,
      );
      if (answer.status === 404) return answer;
      if (answer.status < 200 || answer.status > 299) throw new RunpodAnswered(answer);
      return { ...answer, value: jsonOf(answer) };
    });

  return {
    run: async (order) => {
      const outcome = await call('POST', 'run', order);
      if (outcome.kind !== 'succeeded') return runpodFailure(outcome);
      const answer = outcome.value;
      const id = 'value' in answer && isRecord(answer.value) ? answer.value['id'] : undefined;
      if (typeof id === 'string' && id !== '') return { kind: 'accepted', runpodJobId: id };
      const { code, message } = new RunpodAnswered(answer);
      return { kind: 'refused', status: answer.status, code, cause: message };
    },
    status: async (runpodJobId) => {
      const outcome = await call('GET', `status/${encodeURIComponent(runpodJobId)}`);
      if (outcome.kind !== 'succeeded') return runpodFailure(outcome);
      return 'value' in outcome.value
        ? { kind: 'found', report: outcome.value.value }
        : { kind: 'not-found' };
    },
    cancel: async (runpodJobId) => {
      const outcome = await call('POST', `cancel/${encodeURIComponent(runpodJobId)}`);
      if (outcome.kind !== 'succeeded') return runpodFailure(outcome);
      return 'value' in outcome.value ? { kind: 'cancelled' } : { kind: 'not-found' };
    },
  };
};
