import type { ErrorCode, TalebackError } from '@taleback/core';
import { serviceFault } from '../remote/service-fault.ts';
import type { Refusal } from '../remote/service-refusal.ts';

/** A place is free again as soon as one of our own requests ends, ms. */
const SHORT_WAIT_MS = 250;

/**
 * What `detail.status` means, whatever the HTTP status beside it.
 *
 * @see https://help.elevenlabs.io/hc/en-us/articles/19572237925521
 */
const BY_LABEL: Readonly<Record<string, ErrorCode>> = {
  max_character_limit_exceeded: 'text_too_long',
  invalid_api_key: 'credentials_invalid',
  quota_exceeded: 'provider_quota_exceeded',
  voice_not_found: 'voice_not_found',
  missing_permissions: 'permission_denied',
  too_many_concurrent_requests: 'provider_rate_limited',
  system_busy: 'provider_rate_limited',
};

/** Server errors that time does not mend: not implemented, version not supported. */
const LASTING: ReadonlySet<number> = new Set([501, 505]);

const codeOf = ({ label, status }: Refusal): ErrorCode | undefined => {
  if (label !== undefined && Object.hasOwn(BY_LABEL, label)) return BY_LABEL[label];
  // Its list names fields of ours: a fault of this client, not of the story, whatever the words.
  if (status === 422) return 'provider_rejected';
  return status >= 500 && !LASTING.has(status) ? 'provider_unavailable' : undefined;
};

/** Whether the account had too many requests out, which the gate must know. */
export const isTooMany = ({ label }: Refusal): boolean => label === 'too_many_concurrent_requests';

/**
 * An answer without sound, as an error. Two kinds of 429 are told apart: with too many requests of ours a place is free
 * in a moment (`retryAfterMs`); a busy system is left to the caller's growing backoff, unless it names a time.
 *
 * @param secrets what must not be repeated
 */
export const faultOf = (refusal: Refusal, secrets: readonly string[]): TalebackError => {
  const retryAfterMs = refusal.retryAfterMs ?? (isTooMany(refusal) ? SHORT_WAIT_MS : undefined);
  return serviceFault({ ...refusal, retryAfterMs }, { service: 'elevenlabs', secrets, codeOf });
};
