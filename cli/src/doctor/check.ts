import type { ErrorCode } from '@taleback/core';

export type CheckStatus = 'ok' | 'warning' | 'failed' | 'skipped';

/** Groups of checks, in the order they are told in. */
export const CHECK_GROUPS = ['engines', 'callbacks', 'jobs', 'storage', 'machine'] as const;
export type CheckGroup = (typeof CHECK_GROUPS)[number];

/** What a check found. */
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

export interface CheckResult {
  readonly name: string;
  readonly group: CheckGroup;
  readonly status: CheckStatus;
  readonly code?: ErrorCode;
  readonly summary: string;
  readonly details?: string;
  readonly suggestions: readonly string[];
  readonly ms: number;
}

/** What `taleback doctor --json` writes. */
export interface Report {
  /** Whether nothing failed; a warning is none. */
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
  /** ISO 8601. */
  readonly at: string;
}
