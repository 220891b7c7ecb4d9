import { type ErrorCode, errorWords, isRecord, TalebackError, toTalebackError } from '@taleback/core';
import {
  type CallOutcome,
  type Classification,
  classifyHttpStatus,
  type Clock,
  compose,
  createPolicies,
  kokoro,
  type Random,
  type ResilienceProfile,
} from '@taleback/resilience';
import { readJson } from '../http/call.ts';

/** The body of `/run`. @see https://docs.runpod.io/serverless/endpoints/send-requests */
export interface RunpodOrder {
  readonly input: Readonly<Record<string, unknown>>;
  /** What RunPod calls when the job ends. */
  readonly webhook: string;
  readonly policy: { readonly executionTimeout: number; readonly ttl: number };
}

/**
 * Why a call had no success; `cause` is technical, without any secret.
 *
 * - `refused`: a retry would be refused as well
 * - `away`: no try got a useful answer; what was requested may have happened or not
 */
export type RunpodFailure =
  | { readonly kind: 'refused'; readonly status: number; readonly code: ErrorCode; readonly cause: string }
  | { readonly kind: 'away'; readonly code: ErrorCode; readonly cause: string };

export interface RunpodRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RunpodAnswer {
  readonly status: number;
  /** The raw header. */
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Sends one request, follows no redirect, and rejects when no complete answer came. */
export type RunpodHttp = (request: RunpodRequest, signal: AbortSignal) => Promise<RunpodAnswer>;

/** How RunPod is called: the retries and breaker of HTTP engines. @see docs/origins.md#retries */
const runpodProfile = {
  name: 'runpod',
  // Handing over a job takes RunPod well under a second; it is not the time of the synthesis.
  timeoutMs: 10_000,
  retry: {
    maxAttempts: 4, // 3 retries after 1, 2 and 4 s, with jitter
    backoff: kokoro.retry.backoff,
    // A longer Retry-After is better waited for in the queue than in a function.
    maxRetryAfterMs: 20_000,
    budgetMs: 60_000,
  },
  breaker: kokoro.breaker,
} as const satisfies ResilienceProfile;

const MAX_EXCERPT_CHARACTERS = 300;

/** The addresses of a job contain its token, and RunPod may repeat its input. */
const excerptOf = (text: string): string =>
  text.replace(/(token=)[\w%-]+/g, '$1redacted').slice(0, MAX_EXCERPT_CHARACTERS);

const STATUS_CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'credentials_invalid'],
  [402, 'provider_quota_exceeded'],
  [403, 'permission_denied'],
  [429, 'provider_rate_limited'],
]);

const codeOf = ({ status, text }: RunpodAnswer): ErrorCode => {
  const known = STATUS_CODES.get(status);
  if (known !== undefined) return known;
  if (classifyHttpStatus(status).retryable || status >= 500) return 'provider_unavailable';
  return /quota|insufficient.{0,10}(credit|balance|funds)/i.test(text)
    ? 'provider_quota_exceeded'
    : 'provider_rejected';
};

/** An answer of RunPod that is not a success. */
class RunpodAnswered extends TalebackError {
  readonly answer: RunpodAnswer;

  constructor(answer: RunpodAnswer) {
    super(codeOf(answer), `RunPod answered ${answer.status}: ${excerptOf(answer.text)}`);
    this.answer = answer;
  }
}

const refusedBy = ({ code, message, answer }: RunpodAnswered): RunpodFailure => ({
  kind: 'refused',
  status: answer.status,
  code,
  cause: message,
});

const failureOf = (outcome: Exclude<CallOutcome<unknown>, { kind: 'succeeded' }>): RunpodFailure => {
  const { lastError } = outcome;
  if (lastError instanceof RunpodAnswered) {
    if (outcome.kind === 'not-retryable') return refusedBy(lastError);
    return { kind: 'away', code: lastError.code, cause: lastError.message };
  }
  if (lastError === undefined && outcome.kind === 'rejected')
    return { kind: 'away', code: 'circuit_open', cause: 'RunPod is not called after several failures' };
  // Never the story's fault, whatever the message says: only network faults are distinguished.
  const { category, code } = toTalebackError(lastError);
  return {
    kind: 'away',
    code: category === 'network' ? code : 'provider_unavailable',
    cause: `no answer from RunPod: ${excerptOf(errorWords(lastError))}`,
  };
};

const jsonOf = (answer: RunpodAnswer): unknown => {
  const value = readJson(answer.text);
  if (value === undefined) throw new RunpodAnswered({ ...answer, status: 502 });
  return value;
};

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

export type RunpodClient = ReturnType<typeof createRunpodClient>;

/** The client of one endpoint of RunPod's client interface, with retries and a breaker of its own. */
export const createRunpodClient = ({
  http,
  apiUrl,
  endpointId,
  apiKey,
  now,
  clock,
  random,
}: RunpodClientOptions) => {
  /** No answer at all is retried; an answer by its status. */
  const classify = (error: unknown): Classification =>
    error instanceof RunpodAnswered
      ? classifyHttpStatus(error.answer.status, error.answer.retryAfter, now())
      : { retryable: true };
  // A refused request says nothing about RunPod's health.
  const isFailure = (error: unknown): boolean => classify(error).retryable;
  const { run } = compose(createPolicies(runpodProfile, { classify, isFailure, clock, random }));

  const call = async (method: RunpodRequest['method'], path: string, body?: unknown) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const request: RunpodRequest = {
      method,
      url: `${apiUrl}/${endpointId}/${path}`,
      headers: { authorization: `Bearer ${apiKey.text}`, accept: 'application/json', ...type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const outcome = await run(async ({ signal }) => {
      const answer = await http(request, signal);
      if (answer.status === 404) return { kind: 'not-found' as const, answer };
      if (answer.status < 200 || answer.status > 299) throw new RunpodAnswered(answer);
      return { kind: 'found' as const, answer, report: jsonOf(answer) };
    });
    return outcome.kind === 'succeeded' ? outcome.value : failureOf(outcome);
  };

  return {
    /** Submits a job. It may run although the call failed, so jobs must tolerate running twice. */
    run: async (order: RunpodOrder) => {
      const answered = await call('POST', 'run', order);
      if (answered.kind === 'refused' || answered.kind === 'away') return answered;
      const id = answered.kind === 'found' && isRecord(answered.report) ? answered.report['id'] : undefined;
      return typeof id === 'string' && id !== ''
        ? { kind: 'accepted' as const, runpodJobId: id }
        : refusedBy(new RunpodAnswered(answered.answer));
    },
    /** RunPod forgets jobs 30 minutes after their end, or when their time to live is over. */
    status: async (runpodJobId: string) => {
      const answered = await call('GET', `status/${encodeURIComponent(runpodJobId)}`);
      if (answered.kind === 'found') return { kind: answered.kind, report: answered.report };
      return answered.kind === 'not-found' ? { kind: answered.kind } : answered;
    },
    cancel: async (runpodJobId: string) => {
      const answered = await call('POST', `cancel/${encodeURIComponent(runpodJobId)}`);
      if (answered.kind === 'found') return { kind: 'cancelled' as const };
      return answered.kind === 'not-found' ? { kind: answered.kind } : answered;
    },
  };
};
