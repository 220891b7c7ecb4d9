import type { ErrorCode } from '@taleback/core';

/** RunPod will not do it, however often it is asked. */
export interface RunpodRefused {
  readonly kind: 'refused';
  readonly status: number;
  readonly code: ErrorCode;
  /** Technical words, without any secret. */
  readonly cause: string;
}

/** RunPod gave no answer that tells anything, in all the tries. */
export interface RunpodAway {
  readonly kind: 'away';
  readonly code: ErrorCode;
  readonly cause: string;
}

/** What asking for a job to be run ends in. After `away` nobody knows whether it runs. */
export type RunOutcome =
  | { readonly kind: 'accepted'; readonly runpodJobId: string }
  | RunpodRefused
  | RunpodAway;

/** What asking for a job ends in. RunPod forgets jobs 30 minutes after their end, or when their time to live is over. */
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
