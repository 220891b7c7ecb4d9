import { classifyWords, type ErrorCode, TalebackError } from '@taleback/core';
import type { Refusal } from './service-refusal.ts';

export interface ServiceFaultOptions {
  /** The engine's name. */
  readonly service: string;
  /** What must not be repeated, should the service repeat it. */
  readonly secrets?: readonly string[] | undefined;
  /** What the service is known to mean by it; goes before the status. */
  readonly codeOf?: ((refusal: Refusal) => ErrorCode | undefined) | undefined;
  /** Further details for operators. */
  readonly note?: string | undefined;
}

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  credentials_invalid: 'The speech service does not know our key.',
  permission_denied: 'The speech service does not let us do this.',
  provider_quota_exceeded: 'The allowance with the speech service is used up.',
  provider_rate_limited: 'The speech service is asked too often.',
  provider_unavailable: 'The speech service is away.',
  provider_rejected: 'The speech service refused the request.',
  model_unavailable: 'The speech service has no model loaded.',
  model_failed: 'The speech service failed.',
  text_too_long: 'The text is too long for the speech service.',
  timed_out: 'The speech service took too long.',
  voice_not_found: 'The speech service does not have this voice.',
};

const codeOfStatus = (status: number): ErrorCode => {
  switch (status) {
    case 401:
      return 'credentials_invalid';
    case 402:
      return 'provider_quota_exceeded';
    case 403:
      return 'permission_denied';
    case 408:
      return 'timed_out';
    case 413:
    case 414:
      return 'text_too_long';
    case 425:
    case 429:
      return 'provider_rate_limited';
    case 500:
      return 'model_failed';
    case 501:
    case 505:
      return 'provider_rejected';
    default:
      return status >= 500 ? 'provider_unavailable' : 'provider_rejected';
  }
};

/** What the words of a failure may make of it: they are free text, so only what no other words would say. */
const TOLD_BY_FAILURES: ReadonlySet<ErrorCode> = new Set([
  'gpu_out_of_memory',
  'memory_exhausted',
  'disk_full',
  'model_unavailable',
]);
/** And the words of a refusal. */
const TOLD_BY_REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'voice_not_found',
  'language_unsupported',
  'text_too_long',
  'text_empty',
  'provider_quota_exceeded',
]);

const WORTH_READING: ReadonlySet<number> = new Set([400, 404, 422, 500, 503]);

const codeOfWords = ({ status, words, isPage }: Refusal): ErrorCode | undefined => {
  if (isPage || !WORTH_READING.has(status)) return undefined;
  const code = classifyWords({ error: words });
  return (status >= 500 ? TOLD_BY_FAILURES : TOLD_BY_REFUSALS).has(code) ? code : undefined;
};

const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.reduce(
    (cleaned, secret) => (secret === '' ? cleaned : cleaned.replaceAll(secret, '[redacted]')),
    text,
  );

/** What a refusal is in our words. Redirects are not followed: a service has one address. */
export const serviceFault = (
  refusal: Refusal,
  { service, secrets = [], codeOf, note }: ServiceFaultOptions,
): TalebackError => {
  const { status, label, words, retryAfterMs } = refusal;
  const code = codeOf?.(refusal) ?? codeOfWords(refusal) ?? codeOfStatus(status);
  const told = [label, words].filter((part) => part !== undefined && part !== '').join(': ');
  const details = [`${service} answered ${status}${told === '' ? '' : ` (${told})`}`, note]
    .filter((part) => part !== undefined)
    .join('; ');
  return new TalebackError(code, MESSAGES[code] ?? 'The speech service refused the text.', {
    details: withoutSecrets(details, secrets),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};
