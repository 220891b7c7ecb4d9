import { TalebackError } from '@taleback/core';
import { KILL_SWITCH_KEY, type KillSwitchStatus } from './kill-switch.ts';
import { type ActiveProtection, describeReason } from './protection-mode.ts';

/** Whether one more synthesis may begin. */
export type SynthesisAdmission =
  | { readonly admitted: true }
  /** `synthesis_disabled`, `system_protection` or `provider_rate_limited`. */
  | { readonly admitted: false; readonly error: TalebackError };

type Refusal = Extract<SynthesisAdmission, { admitted: false }>;

const refuse = (error: TalebackError): Refusal => ({ admitted: false, error });

/** Nobody knows when an operator switches it on again, so it tells no time to wait. */
export const refuseDisabled = ({ source }: KillSwitchStatus, controlFileName: string | undefined): Refusal =>
  refuse(
    new TalebackError('synthesis_disabled', 'Synthesis is switched off by an operator.', {
      details: `${KILL_SWITCH_KEY}=disabled in ${source === 'environment' ? 'the environment' : controlFileName}`,
    }),
  );

export const refuseProtected = ({ reason, leavesAtMs }: ActiveProtection, nowMs: number): Refusal =>
  refuse(
    new TalebackError('system_protection', 'New synthesis is paused to keep the machine healthy.', {
      details: describeReason(reason),
      retryAfterMs: Math.ceil(leavesAtMs - nowMs),
    }),
  );

export const refuseRateLimited = (requestsPerMinute: number, retryAfterMs: number): Refusal =>
  refuse(
    new TalebackError('provider_rate_limited', 'The limit of syntheses begun in a minute is reached.', {
      details: `limit of ${requestsPerMinute} in any minute`,
      retryAfterMs: Math.ceil(retryAfterMs),
    }),
  );
