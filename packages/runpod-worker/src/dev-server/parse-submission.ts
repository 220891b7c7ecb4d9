import { z } from 'zod';

/** @see docs.runpod.io, "execution policies" */
const TEN_MINUTES_MS = 600_000;
const ONE_DAY_MS = 86_400_000;
const SEVEN_DAYS_MS = 7 * ONE_DAY_MS;

const submission = z.object({
  input: z.record(z.string(), z.unknown()),
  webhook: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).nullish(),
  policy: z
    .object({
      executionTimeout: z.number().min(1).max(SEVEN_DAYS_MS).nullish(),
      ttl: z.number().min(1).max(SEVEN_DAYS_MS).nullish(),
    })
    .nullish(),
});

/** A job as it was submitted. */
export interface Submission {
  readonly input: unknown;
  readonly webhook: string | undefined;
  readonly executionTimeoutMs: number;
  readonly ttlMs: number;
}

export type ParsedSubmission =
  | { readonly ok: true; readonly value: Submission }
  | { readonly ok: false; readonly fault: string };

/** Reads the body of /run and /runsync. The cloud's least times of 5 and 10 s are not enforced, for tests' sake. */
export const parseSubmission = (body: string): ParsedSubmission => {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { ok: false, fault: 'the body is not JSON' };
  }
  const result = submission.safeParse(json);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    return { ok: false, fault: faults.join('; ') };
  }
  const { input, webhook, policy } = result.data;
  return {
    ok: true,
    value: {
      input,
      webhook: webhook ?? undefined,
      executionTimeoutMs: policy?.executionTimeout ?? TEN_MINUTES_MS,
      ttlMs: policy?.ttl ?? ONE_DAY_MS,
    },
  };
};
