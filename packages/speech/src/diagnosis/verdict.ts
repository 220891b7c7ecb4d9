import { type ErrorCode, type TalebackError, toTalebackError } from '@taleback/core';
import { DeadlineExceededError } from '@taleback/resilience';
import type { StepName, Trouble } from './diagnosis.ts';
import type { TlsTrouble } from './network.ts';
import { withoutSecrets } from './without-secrets.ts';

/** Why a step failed. */
export interface Verdict {
  readonly code: ErrorCode;
  readonly trouble: Trouble;
  readonly details: string;
}

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
};

const messageOf = (error: unknown): string =>
  withoutSecrets(error instanceof Error ? error.message || error.name : String(error));

const HUNG_UP: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
/** The resolver knows the name is none; all else says that the resolver itself could not be asked. */
const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'ENONAME']);

/** What the health of a service says by its code. */
const TROUBLES: Partial<Readonly<Record<ErrorCode, Trouble>>> = {
  credentials_invalid: 'credentials',
  service_account_invalid: 'credentials',
  permission_denied: 'permission',
  provider_rate_limited: 'rate-limit',
  provider_quota_exceeded: 'quota',
  voice_not_found: 'voice',
  timed_out: 'hung',
};

const judgeHealth = (error: TalebackError): Verdict => {
  const words = error.details === undefined ? error.message : `${error.message} (${error.details})`;
  const trouble = TROUBLES[error.code] ?? (HUNG_UP.has(codeOf(error.cause)) ? 'hung-up' : 'service');
  return { code: error.code, trouble, details: withoutSecrets(words) };
};

const judgeDns = (error: unknown): Verdict => ({
  code: 'dns_failed',
  trouble: NO_SUCH_NAME.has(codeOf(error)) ? 'name-unknown' : 'resolver-away',
  details: messageOf(error),
});

const judgeTcp = (error: unknown): Verdict => {
  const code = codeOf(error);
  const trouble = code === 'ECONNREFUSED' ? 'refused' : code === 'ETIMEDOUT' ? 'filtered' : 'unreachable';
  return { code: 'network_unreachable', trouble, details: messageOf(error) };
};

const judgeTls = (error: unknown): Verdict =>
  HUNG_UP.has(codeOf(error))
    ? { code: 'tls_failed', trouble: 'hung-up', details: messageOf(error) }
    : { code: 'tls_failed', trouble: 'tls-protocol', details: messageOf(error) };

/** What the time running out says at each step. */
const LATE: Readonly<Record<StepName, Omit<Verdict, 'details'>>> = {
  dns: { code: 'dns_failed', trouble: 'resolver-away' },
  tcp: { code: 'network_unreachable', trouble: 'filtered' },
  tls: { code: 'timed_out', trouble: 'hung' },
  http: { code: 'timed_out', trouble: 'hung' },
  voice: { code: 'timed_out', trouble: 'hung' },
};

/** Decides what a step's error means. */
export const judgeError = (step: StepName, error: unknown): Verdict => {
  if (error instanceof DeadlineExceededError)
    return { ...LATE[step], details: `no answer within ${error.timeoutMs} ms` };
  switch (step) {
    case 'dns':
      return judgeDns(error);
    case 'tcp':
      return judgeTcp(error);
    case 'tls':
      return judgeTls(error);
    default:
      return judgeHealth(toTalebackError(error));
  }
};

/** Decides what a certificate that is not trusted means. */
export const judgeTrouble = (trouble: TlsTrouble, words: string): Verdict => ({
  code: 'tls_failed',
  trouble: trouble === 'protocol' ? 'tls-protocol' : `certificate-${trouble}`,
  details: withoutSecrets(words),
});
