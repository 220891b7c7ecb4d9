import { type ErrorCode, type TalebackError, toTalebackError, withoutTokens } from '@taleback/core';
import { DeadlineExceededError } from '@taleback/resilience';
import type { DiagnosisTarget, TlsTrouble } from './network.node.ts';

/** In this order: the address, whether something listens, whether it is the right one, whether it is well. */
export type StepName = 'dns' | 'tcp' | 'tls' | 'http' | 'voice';

interface Advice {
  /** One sentence. */
  readonly summary: (target: DiagnosisTarget) => string;
  /** What to do, the likeliest first. */
  readonly suggestions: (target: DiagnosisTarget) => readonly string[];
}

const FIREWALL = [
  'Look for a firewall that drops connections to this host and port',
  'Behind a proxy, let this machine connect directly: the worker uses none',
];
const UNTRUSTED = [
  'Name the authority that signed it in NODE_EXTRA_CA_CERTS',
  'Check that no proxy between here and the service replaces the certificate',
];

const advice = (
  summary: (target: DiagnosisTarget) => string,
  ...suggestions: readonly (string | ((target: DiagnosisTarget) => string))[]
): Advice => ({
  summary,
  suggestions: (target) => suggestions.map((each) => (typeof each === 'string' ? each : each(target))),
});

/** What can be wrong, in more detail than a code of the catalogue, and what to do about it. */
const TROUBLES = {
  'name-unknown': advice(
    ({ host }) => `DNS resolution failed: there is no host "${host}".`,
    ({ host }) => `Check the name "${host}"`,
    'Check your DNS and your internet connection',
  ),
  'resolver-away': advice(
    ({ host }) => `DNS resolution failed: no server could be asked for "${host}".`,
    'Check your DNS and your internet connection',
  ),
  refused: advice(
    ({ host, port }) => `Port ${port} of ${host} refuses connections.`,
    ({ port }) => `Start the service: nothing listens on port ${port}`,
    'Check the port, and that the service does not listen on another address',
  ),
  unreachable: {
    summary: ({ host, port }: DiagnosisTarget) => `Port ${port} of ${host} cannot be reached.`,
    suggestions: ({ isName }: DiagnosisTarget) => [
      ...(isName ? [] : ['Check the address']),
      'Check the network and the route to this host',
      ...FIREWALL,
    ],
  },
  /** No answer at all. */
  filtered: advice(
    ({ host, port }) => `Port ${port} of ${host} does not answer.`,
    ...FIREWALL,
    'Check that the machine is up',
  ),
  'certificate-expired': advice(
    ({ host }) => `The certificate of ${host} has expired.`,
    'Renew the certificate of the service',
    'Check the clock of this machine',
  ),
  'certificate-not-yet-valid': advice(
    ({ host }) => `The certificate of ${host} is not valid yet.`,
    'Check the clock of this machine',
  ),
  'certificate-self-signed': advice(({ host }) => `The certificate of ${host} is self-signed.`, ...UNTRUSTED),
  'certificate-wrong-host': advice(
    ({ host }) => `The certificate of ${host} is made out for another host.`,
    'Use the name that the certificate is made out for',
    ({ host }) => `Get a certificate for "${host}"`,
  ),
  'certificate-untrusted': advice(
    ({ host }) => `The certificate of ${host} is signed by an unknown authority.`,
    ...UNTRUSTED,
  ),
  'tls-protocol': advice(
    ({ host, port }) => `The TLS handshake with port ${port} of ${host} failed.`,
    ({ port }) => `Check that port ${port} speaks TLS: without it the address begins with http: or ws:`,
    'Check which TLS versions the service allows',
  ),
  /** It took the connection and did not answer. */
  hung: advice(
    ({ host }) => `${host} takes connections and does not answer.`,
    'Restart the service, unless it is at work: it takes connections and does not answer',
    'Look at its log and its load',
  ),
  'hung-up': advice(
    ({ host }) => `${host} hung up.`,
    ({ port }) => `Check that port ${port} is the service: it hung up`,
    'Look at its log',
  ),
  credentials: advice(
    ({ host }) => `${host} does not accept our key.`,
    'Check the key: it is wrong, was revoked, or belongs to another service',
  ),
  permission: advice(
    ({ host }) => `${host} does not allow this with our key.`,
    'Check what the key may do and the plan it belongs to',
  ),
  'rate-limit': advice(
    ({ host }) => `${host} is asked for too much: its rate limit is reached.`,
    'Send fewer requests or wait: the rate limit of the service is reached',
  ),
  quota: advice(
    ({ host }) => `Our allowance at ${host} is used up.`,
    'Buy more or wait: the allowance of the account is used up',
  ),
  voice: advice(
    ({ host }) => `${host} does not have the voice.`,
    'Choose one of the voices that the service has',
  ),
  address: advice(
    () => 'The address cannot be read.',
    'Write the address as http://host:port, https://, ws:// or wss://',
  ),
  service: advice(
    ({ host }) => `${host} answers, but not as it should.`,
    'Look at the log of the service',
    'Temporary service outage: try again later',
  ),
} as const satisfies Readonly<Record<string, Advice>>;

export type Trouble = keyof typeof TROUBLES;

/** What it is and what to do about it; of a healthy service, what it may have been. @see docs/origins.md#diagnostics */
export const explain = (
  trouble: Trouble | undefined,
  target: DiagnosisTarget,
): { readonly summary: string; readonly suggestions: readonly string[] } => {
  if (trouble === undefined) {
    const suggestions = [
      'Temporary service outage',
      'Rate limiting by the service',
      'SSL/TLS certificate issues',
    ];
    return { summary: `Network connectivity to ${target.host} is working.`, suggestions };
  }
  const { summary, suggestions } = TROUBLES[trouble];
  return { summary: summary(target), suggestions: suggestions(target) };
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

const NAMES = 'api[-_]?key|access[-_]?key|key|secret|password|passwd|authorization|token';

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // user:password@ of an address
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, '$1'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{4,}/gi, '$1 [redacted]'],
  [new RegExp(`((?:${NAMES})["']?\\s*=\\s*["']?)(?!bearer|basic)[^\\s"'&,;)}\\]]+`, 'gi'), '$1[redacted]'],
  // After a colon there may be plain words, which are short.
  [new RegExp(`((?:${NAMES})["']?\\s*:\\s*["']?)(?!bearer|basic)[^\\s"'&,;)}\\]]{8,}`, 'gi'), '$1[redacted]'],
  [/\b(?:whsec_|hmac_|sk[-_]|rpa_|AIza)[\w+/=-]{6,}/g, '[redacted]'],
];

/** Longest text that is passed on, in characters: an error may quote a whole page. */
const MAX_CHARACTERS = 500;

/**
 * The same words on one line, cut, without what looks like a credential.
 *
 * @example
 * import { withoutSecrets } from '@taleback/speech/diagnosis';
 * console.log(withoutSecrets('GET /voices?key=abc')); // GET /voices?key=[redacted]
 */
export const withoutSecrets = (text: string): string =>
  SECRETS.reduce((words, [pattern, instead]) => words.replace(pattern, instead), withoutTokens(text))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_CHARACTERS);
