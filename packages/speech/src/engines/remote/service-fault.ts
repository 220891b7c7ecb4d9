import { classifyWords, type ErrorCode, TalebackError } from '@taleback/core/errors';
import { isRecord } from '@taleback/core/json';
import { parseRetryAfter } from '@taleback/resilience';
import type { HttpAnswer } from './speech-http.node.ts';

/** An answer of a service that is not a success. */
export interface Refusal {
  readonly status: number;
  /** The service's own name for the fault, such as `validation_error`. */
  readonly label: string | undefined;
  /** Its message in one line, or the title of its page. */
  readonly words: string;
  /** A page for browsers: a proxy's, unless the service is known to answer with such. */
  readonly isPage: boolean;
  /** Its Retry-After, ms. */
  readonly retryAfterMs: number | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/** An echo of the text may be as long as the text. */
const MOST_WORDS = 400;

const oneLine = (text: string): string => text.replace(/\s+/gu, ' ').trim().slice(0, MOST_WORDS);

const membersOf = (value: unknown): Members => (isRecord(value) ? value : {});

const textIn = (members: Members, ...names: readonly string[]): string | undefined =>
  names
    .map((name) => members[name])
    .find((value): value is string => typeof value === 'string' && value !== '');

/** FastAPI's list of what is wrong with which field. */
const fieldFaults = (faults: readonly unknown[]): string =>
  faults
    .map((fault) => {
      const { loc, msg } = membersOf(fault);
      return `${Array.isArray(loc) ? loc.join('.') : 'request'}: ${typeof msg === 'string' ? msg : 'refused'}`;
    })
    .join('; ');

/** The shapes in use: a word, a list of fields, or an object, under `detail`, `error` or at the top. */
const readJson = (json: unknown): Pick<Refusal, 'label' | 'words'> => {
  const top = membersOf(json);
  const body = top['detail'] ?? top['error'] ?? top;
  if (typeof body === 'string') return { label: undefined, words: oneLine(body) };
  if (Array.isArray(body)) return { label: undefined, words: oneLine(fieldFaults(body)) };
  const members = membersOf(body);
  return {
    label: textIn(members, 'status', 'error', 'code', 'type'),
    words: oneLine(textIn(members, 'message', 'msg', 'detail') ?? textIn(top, 'message') ?? ''),
  };
};

/** The JSON in a text or body; undefined when there is none. */
export const parseJson = (body: string | Uint8Array): unknown => {
  try {
    return JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
};

const pageTitle = (page: string): string => oneLine(/<title>([^<]*)<\/title>/iu.exec(page)?.[1] ?? 'a page');

/** The two clocks may differ, so a date to wait for is compared with the date of the answer. */
const waitOf = ({ headers }: HttpAnswer): number | undefined => {
  const sentAtMs = Date.parse(headers['date'] ?? '');
  return parseRetryAfter(headers['retry-after'], Number.isNaN(sentAtMs) ? Date.now() : sentAtMs);
};

/** Reads an answer that is no success. */
export const readRefusal = (answer: HttpAnswer): Refusal => {
  const { status, headers } = answer;
  const retryAfterMs = waitOf(answer);
  const text = Buffer.from(answer.body).toString('utf8');
  const isPage = /^\s*</u.test(text) || headers['content-type']?.startsWith('text/html') === true;
  if (isPage) return { status, label: undefined, words: pageTitle(text), isPage, retryAfterMs };
  const json = parseJson(text);
  const said = json === undefined ? { label: undefined, words: oneLine(text) } : readJson(json);
  return { status, ...said, isPage, retryAfterMs };
};

export interface ServiceFaultOptions {
  /** The engine's name. */
  readonly service: string;
  /** Removed, should the service repeat them. */
  readonly secrets?: readonly string[] | undefined;
  /** What the service is known to mean; has precedence over the status. */
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

/** Codes that the words of a failure may lead to: they are free text, so only unmistakable ones. */
const CODES_OF_FAILURES: ReadonlySet<ErrorCode> = new Set([
  'gpu_out_of_memory',
  'memory_exhausted',
  'disk_full',
  'model_unavailable',
]);
/** And those of a refusal. */
const CODES_OF_REFUSALS: ReadonlySet<ErrorCode> = new Set([
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
  return (status >= 500 ? CODES_OF_FAILURES : CODES_OF_REFUSALS).has(code) ? code : undefined;
};

const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.reduce(
    (cleaned, secret) => (secret === '' ? cleaned : cleaned.replaceAll(secret, '[redacted]')),
    text,
  );

/** The error for a refusal. Redirects are not followed: a service has one address. */
export const serviceFault = (
  refusal: Refusal,
  { service, secrets = [], codeOf, note }: ServiceFaultOptions,
): TalebackError => {
  const { status, label, words, retryAfterMs } = refusal;
  const code = codeOf?.(refusal) ?? codeOfWords(refusal) ?? codeOfStatus(status);
  const said = [label, words].filter((part) => part !== undefined && part !== '').join(': ');
  const details = [`${service} answered ${status}${said === '' ? '' : ` (${said})`}`, note]
    .filter((part) => part !== undefined)
    .join('; ');
  return new TalebackError(code, MESSAGES[code] ?? 'The speech service refused the text.', {
    details: withoutSecrets(details, secrets),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};
