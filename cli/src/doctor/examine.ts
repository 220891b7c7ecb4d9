import { type ErrorCode, toTalebackError } from '@taleback/core';
import { type Clock, DeadlineExceededError, systemClock, tryWithDeadline } from '@taleback/resilience';
import { type Diagnosis, withoutSecrets } from '@taleback/speech/diagnosis';

export type CheckStatus = 'ok' | 'warning' | 'failed' | 'skipped';

/** Groups of checks, in the order of the report. */
const CHECK_GROUPS = ['engines', 'callbacks', 'jobs', 'storage', 'machine'] as const;
export type CheckGroup = (typeof CHECK_GROUPS)[number];

export interface Finding {
  readonly status: CheckStatus;
  readonly code?: ErrorCode | undefined;
  /** One sentence. */
  readonly summary: string;
  /** Technical words. */
  readonly details?: string | undefined;
  /** What to do, the likeliest first. */
  readonly suggestions?: readonly string[] | undefined;
}

/** One thing that is looked at. */
export interface Check {
  readonly name: string;
  readonly group: CheckGroup;
  /** What is thrown counts as failed. */
  readonly run: (signal: AbortSignal) => Promise<Finding>;
}

export interface CheckResult extends Finding {
  readonly name: string;
  readonly group: CheckGroup;
  readonly suggestions: readonly string[];
  readonly ms: number;
}

/** What `taleback doctor --json` writes. */
export interface Report {
  /** Whether nothing failed; a warning is no failure. */
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
  /** ISO 8601. */
  readonly at: string;
}

export interface ExamineOptions {
  /** For each check, ms. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

const TIMEOUT_MS = 5_000;

export const failed = (code: ErrorCode, summary: string, ...suggestions: readonly string[]): Finding => ({
  status: 'failed',
  code,
  summary,
  suggestions,
});

/** What a diagnosis found wrong. Its code is there when it is not ok. */
export const failedBy = ({ code, summary, details, suggestions }: Diagnosis): Finding => ({
  status: 'failed',
  code,
  summary,
  details,
  suggestions,
});

const late = (timeoutMs: number): Finding =>
  failed(
    'timed_out',
    `It took longer than ${timeoutMs / 1000} s.`,
    'Look again with a longer --timeout when the machine is busy',
  );

const attempt = async (check: Check, timeoutMs: number, clock: Clock): Promise<Finding> => {
  try {
    const outcome = await tryWithDeadline((signal) => check.run(signal), timeoutMs, { clock });
    return outcome.kind === 'completed' ? outcome.value : late(timeoutMs);
  } catch (fault) {
    if (fault instanceof DeadlineExceededError) return late(fault.timeoutMs);
    const { code, message, details } = toTalebackError(fault);
    return { ...failed(code, message), details };
  }
};

/** Runs all checks side by side, each within its time. One that breaks is a result like any other. */
export const examine = async (
  checks: readonly Check[],
  { timeoutMs = TIMEOUT_MS, clock = systemClock }: ExamineOptions = {},
): Promise<Report> => {
  const at = new Date(clock.now()).toISOString();
  const run = async (check: Check): Promise<CheckResult> => {
    const startMs = clock.now();
    const { status, code, summary, details, suggestions = [] } = await attempt(check, timeoutMs, clock);
    return {
      name: check.name,
      group: check.group,
      status,
      code,
      summary: withoutSecrets(summary),
      details: details && withoutSecrets(details),
      suggestions,
      ms: Math.round(clock.now() - startMs),
    };
  };
  const results = await Promise.all(checks.map(run));
  const inOrder = CHECK_GROUPS.flatMap((group) => results.filter((result) => result.group === group));
  return { ok: inOrder.every(({ status }) => status !== 'failed'), checks: inOrder, at };
};
