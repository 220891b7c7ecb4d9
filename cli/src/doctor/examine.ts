import { toTalebackError } from '@taleback/core';
import { type Clock, DeadlineExceededError, systemClock, tryWithDeadline } from '@taleback/resilience';
import { withoutSecrets } from '@taleback/speech/src/diagnosis/without-secrets.ts';
import { CHECK_GROUPS, type Check, type CheckResult, type Finding, type Report } from './check.ts';

export interface ExamineOptions {
  /** For each check, ms. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

const TIMEOUT_MS = 5_000;

const lateFinding = (timeoutMs: number): Finding => ({
  status: 'failed',
  code: 'timed_out',
  summary: `It took longer than ${timeoutMs / 1000} s.`,
  suggestions: ['Look again with a longer --timeout when the machine is busy'],
});

const faultFinding = (fault: unknown): Finding => {
  if (fault instanceof DeadlineExceededError) return lateFinding(fault.timeoutMs);
  const { code, message, details } = toTalebackError(fault);
  return { status: 'failed', code, summary: message, details };
};

const attempt = async (check: Check, timeoutMs: number, clock: Clock): Promise<Finding> => {
  try {
    const outcome = await tryWithDeadline((signal) => check.run(signal), timeoutMs, { clock });
    return outcome.kind === 'completed' ? outcome.value : lateFinding(timeoutMs);
  } catch (fault) {
    return faultFinding(fault);
  }
};

const resultOf = ({ name, group }: Check, finding: Finding, ms: number): CheckResult => ({
  name,
  group,
  status: finding.status,
  ...(finding.code === undefined ? {} : { code: finding.code }),
  summary: withoutSecrets(finding.summary),
  ...(finding.details === undefined ? {} : { details: withoutSecrets(finding.details) }),
  suggestions: finding.suggestions ?? [],
  ms: Math.round(ms),
});

/** Runs all checks side by side, each within its time. One that breaks is a result like any other. */
export const examine = async (
  checks: readonly Check[],
  { timeoutMs = TIMEOUT_MS, clock = systemClock }: ExamineOptions = {},
): Promise<Report> => {
  const at = new Date(clock.now()).toISOString();
  const results = await Promise.all(
    checks.map(async (check) => {
      const startMs = clock.now();
      const finding = await attempt(check, timeoutMs, clock);
      return resultOf(check, finding, clock.now() - startMs);
    }),
  );
  const inOrder = CHECK_GROUPS.flatMap((group) => results.filter((result) => result.group === group));
  return { ok: inOrder.every(({ status }) => status !== 'failed'), checks: inOrder, at };
};
