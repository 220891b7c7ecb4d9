import { parseRetryAfter } from '@taleback/resilience';
import type { HttpAnswer } from './speech-http.ts';

/** What a service said when it did not do what it was asked. */
export interface Refusal {
  readonly status: number;
  /** The service's own name for the fault, such as `validation_error`. */
  readonly label: string | undefined;
  /** Its words in one line, or the title of its page. */
  readonly words: string;
  /** A page for browsers: a proxy's, unless the service is known to answer with such. */
  readonly isPage: boolean;
  /** How long it asks us to wait, ms. */
  readonly retryAfterMs: number | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/** More than this helps nobody, and an echo of the text may be as long as the text. */
const MOST_WORDS = 400;

const oneLine = (text: string): string => text.replace(/\s+/gu, ' ').trim().slice(0, MOST_WORDS);

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {};

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
  const told = top['detail'] ?? top['error'] ?? top;
  if (typeof told === 'string') return { label: undefined, words: oneLine(told) };
  if (Array.isArray(told)) return { label: undefined, words: oneLine(fieldFaults(told)) };
  const members = membersOf(told);
  return {
    label: textIn(members, 'status', 'error', 'code', 'type'),
    words: oneLine(textIn(members, 'message', 'msg', 'detail') ?? textIn(top, 'message') ?? ''),
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const pageTitle = (page: string): string => oneLine(/<title>([^<]*)<\/title>/iu.exec(page)?.[1] ?? 'a page');

/** Since the two clocks need not agree, a date to wait for is held against the date of the answer. */
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
  const json = parsed(text);
  const told = json === undefined ? { label: undefined, words: oneLine(text) } : readJson(json);
  return { status, ...told, isPage, retryAfterMs };
};
