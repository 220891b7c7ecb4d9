import { isJsonObject } from '@taleback/core';
import { type Clock, compose, createPolicies, type Random } from '@taleback/resilience';
import { classifyRunpodFault, RunpodAnswered, runpodFailure } from './runpod-failure.ts';
import type { RunpodAnswer, RunpodHttp, RunpodRequest } from './runpod-http.ts';
import type { CancelOutcome, RunOutcome, StatusOutcome } from './runpod-outcomes.ts';
import { runpodProfile } from './runpod-profile.ts';

/** The body of `/run`. @see https://docs.runpod.io/serverless/endpoints/send-requests */
export interface RunpodOrder {
  readonly input: Readonly<Record<string, unknown>>;
  /** Where RunPod tells of the job's end. */
  readonly webhook: string;
  readonly policy: { readonly executionTimeout: number; readonly ttl: number };
}

/** One endpoint of RunPod's client interface. */
export interface RunpodClient {
  /** Asks for a job. A try that got no answer may run all the same: jobs must bear being run twice. */
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
      // A request that RunPod refuses says nothing of how well RunPod is.
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
      const id = 'value' in answer && isJsonObject(answer.value) ? answer.value['id'] : undefined;
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
