import { type ErrorCode, type TalebackError, toTalebackError, withoutCredentials } from '@taleback/core';
import { DeadlineExceededError } from '@taleback/resilience';
import type { DiagnosisTarget, TlsTrouble } from './network.node.ts';
import troubles from './troubles.json' with { type: 'json' };

/** In this order: the address, whether something listens, whether it is the right one, whether it is well. */
export type StepName = 'dns' | 'tcp' | 'tls' | 'http' | 'voice';

/**
 * What can be wrong, in more detail than a code of the catalogue: one sentence, and what to do about it, the likeliest
 * first.
 */
const TROUBLES = troubles satisfies Readonly<
  Record<string, { readonly summary: string; readonly suggestions: readonly string[] }>
>;
export type Trouble = keyof typeof TROUBLES;

/** What it is and what to do about it; of a healthy service, what it may have been. @see docs/origins.md#diagnostics */
export const explain = (
  trouble: Trouble | undefined,
  target: Pick<DiagnosisTarget, 'host' | 'isName'> & { readonly port: number | string },
): { readonly summary: string; readonly suggestions: readonly string[] } => {
  if (trouble === undefined) {
    const suggestions = [
      'Temporary service outage',
      'Rate limiting by the service',
      'SSL/TLS certificate issues',
    ];
    return { summary: `Network connectivity to ${target.host} is working.`, suggestions };
  }
  const fill = (text: string): string =>
    text.replace(/\{(host|port)\}/g, (_, name: 'host' | 'port') => `${target[name]}`);
  const { summary, suggestions } = TROUBLES[trouble];
  // A name that DNS knows needs no check.
  const own = trouble === 'unreachable' && target.isName ? suggestions.slice(1) : suggestions;
  return { summary: fill(summary), suggestions: own.map(fill) };
};

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
/** The name is unknown; any other error means that the resolver could not be asked. */
const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'ENONAME']);

/** What the error code of a service's health check means. */
const BY_CODE: Partial<Readonly<Record<ErrorCode, Trouble>>> = {
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
  const trouble = BY_CODE[error.code] ?? (HUNG_UP.has(codeOf(error.cause)) ? 'hung-up' : 'service');
  return { code: error.code, trouble, details: withoutSecrets(words) };
};

/** What a timeout means at each step. */
const LATE: Readonly<Record<StepName, Omit<Verdict, 'details'>>> = {
  dns: { code: 'dns_failed', trouble: 'resolver-away' },
  tcp: { code: 'network_unreachable', trouble: 'filtered' },
  tls: { code: 'timed_out', trouble: 'hung' },
  http: { code: 'timed_out', trouble: 'hung' },
  voice: { code: 'timed_out', trouble: 'hung' },
};

/** Decides what the error of a step means. */
export const judgeError = (step: StepName, error: unknown): Verdict => {
  if (error instanceof DeadlineExceededError)
    return { ...LATE[step], details: `no answer within ${error.timeoutMs} ms` };
  const code = codeOf(error);
  const details = messageOf(error);
  switch (step) {
    case 'dns': {
      const trouble = NO_SUCH_NAME.has(code) ? 'name-unknown' : 'resolver-away';
      return { code: 'dns_failed', trouble, details };
    }
    case 'tcp': {
      const trouble = code === 'ECONNREFUSED' ? 'refused' : code === 'ETIMEDOUT' ? 'filtered' : 'unreachable';
      return { code: 'network_unreachable', trouble, details };
    }
    case 'tls':
      return { code: 'tls_failed', trouble: HUNG_UP.has(code) ? 'hung-up' : 'tls-protocol', details };
    default:
      return judgeHealth(toTalebackError(error));
  }
};

/** Decides what a failed handshake means. */
export const judgeTls = (trouble: TlsTrouble, words: string): Verdict => ({
  code: 'tls_failed',
  trouble: trouble === 'protocol' ? 'tls-protocol' : `certificate-${trouble}`,
  details: withoutSecrets(words),
});

/** Longest text that is passed on, in characters: an error may quote a whole page. */
const MAX_CHARACTERS = 500;
/** What is looked at of it: that much, if it is credentials or blanks, becomes shorter. */
const MAX_READ_CHARACTERS = 20_000;

/**
 * The same words on one line, cut, without what looks like a credential.
 *
 * @example
 * import { withoutSecrets } from '@taleback/speech/diagnosis';
 * console.log(withoutSecrets('GET /voices?key=abc')); // GET /voices?key=[redacted]
 */
export const withoutSecrets = (text: string): string =>
  withoutCredentials(text.slice(0, MAX_READ_CHARACTERS)).replace(/\s+/g, ' ').trim().slice(0, MAX_CHARACTERS);
