import { classifyWords, type ErrorCode, TalebackError } from '@taleback/core/errors';
import { isRecord, parseJson, textOf } from '@taleback/core/json';
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
  readonly retryAfterMs: number | undefined;
}

/** An echo of the text may be as long as the text. */
const MOST_WORDS = 400;

const oneLine = (text: string): string => text.replace(/\s+/gu, ' ').trim().slice(0, MOST_WORDS);

/** The members of a JSON object; none of anything else. */
export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  isRecord(value) ? value : {};

const firstText = (...values: readonly unknown[]): string | undefined => values.map(textOf).find(Boolean);

/** One entry of FastAPI's list of what is wrong with which field. */
const fieldFault = (fault: unknown): string => {
  const { loc, msg } = membersOf(fault);
  return `${Array.isArray(loc) ? loc.join('.') : 'request'}: ${typeof msg === 'string' ? msg : 'refused'}`;
};

/** The shapes in use: a word, a list of fields, or an object, under `detail`, `error` or at the top. */
const readWords = (text: string): { readonly label?: string | undefined; readonly words: string } => {
  const json = parseJson(text);
  if (json === undefined) return { words: text };
  const top = membersOf(json);
  const body = top['detail'] ?? top['error'] ?? top;
  if (typeof body === 'string') return { words: body };
  if (Array.isArray(body)) return { words: body.map(fieldFault).join('; ') };
  const members = membersOf(body);
  return {
    label: firstText(members['status'], members['error'], members['code'], members['type']),
    words: firstText(members['message'], members['msg'], members['detail'], top['message']) ?? '',
  };
};

export const readRefusal = ({ status, headers, body }: HttpAnswer): Refusal => {
  const text = Buffer.from(body).toString('utf8');
  const isPage = /^\s*</u.test(text) || headers['content-type']?.startsWith('text/html') === true;
  const title = /<title>([^<]*)<\/title>/iu.exec(text)?.[1] ?? 'a page';
  const { label, words } = isPage ? { words: title } : readWords(text);
  // The two clocks may differ, so a date to wait for is compared with the date of the answer.
  const sentAtMs = Date.parse(headers['date'] ?? '');
  const retryAfterMs = parseRetryAfter(
    headers['retry-after'],
    Number.isNaN(sentAtMs) ? Date.now() : sentAtMs,
  );
  return { status, label, words: oneLine(words), isPage, retryAfterMs };
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

/** Others are `provider_rejected` below 500 and `provider_unavailable` from there on. */
const CODES_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'credentials_invalid',
  402: 'provider_quota_exceeded',
  403: 'permission_denied',
  408: 'timed_out',
  413: 'text_too_long',
  414: 'text_too_long',
  425: 'provider_rate_limited',
  429: 'provider_rate_limited',
  500: 'model_failed',
  501: 'provider_rejected',
  505: 'provider_rejected',
};

/** Codes that a failure's words may lead to, or a refusal's: they are free text, so only unmistakable ones. */
const CODES_OF_WORDS: Readonly<Record<'failure' | 'refusal', readonly ErrorCode[]>> = {
  failure: ['gpu_out_of_memory', 'memory_exhausted', 'disk_full', 'model_unavailable'],
  refusal: [
    'voice_not_found',
    'language_unsupported',
    'text_too_long',
    'text_empty',
    'provider_quota_exceeded',
  ],
};

const WORTH_READING: readonly number[] = [400, 404, 422, 500, 503];

const codeOfWords = ({ status, words, isPage }: Refusal): ErrorCode | undefined => {
  if (isPage || !WORTH_READING.includes(status)) return undefined;
  const code = classifyWords({ error: words });
  return CODES_OF_WORDS[status >= 500 ? 'failure' : 'refusal'].includes(code) ? code : undefined;
};

export const redact = (text: string, secrets: readonly string[]): string =>
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
  const code =
    codeOf?.(refusal) ??
    codeOfWords(refusal) ??
    CODES_OF_STATUS[status] ??
    (status >= 500 ? 'provider_unavailable' : 'provider_rejected');
  const said = [label, words].filter(Boolean).join(': ');
  const answered = `${service} answered ${status}${said === '' ? '' : ` (${said})`}`;
  return new TalebackError(code, MESSAGES[code] ?? 'The speech service refused the text.', {
    details: redact(note === undefined ? answered : `${answered}; ${note}`, secrets),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};

/** A success that no such service would send. */
export const answeredByAnother = (details: string): TalebackError =>
  new TalebackError('provider_unavailable', 'Something else answers at the address of the speech service.', {
    details,
  });
