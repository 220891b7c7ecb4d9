/**
 * Every field that may be logged, at any depth. Texts and titles of people, recordings, payloads, headers and keys are
 * not among them.
 */
const LOG_FIELDS = [
  'activeMs',
  'answer',
  'aside',
  'atMs',
  'attempt',
  'attempts',
  'audioUrl',
  'breaker',
  'cancelled',
  'cause',
  'characters',
  'code',
  'consecutiveFailures',
  'controlFile',
  'cooldownMs',
  'count',
  'decision',
  'depth',
  'details',
  'diagnosis',
  'disabled',
  'drainMs',
  'durationMs',
  'ended',
  'engine',
  'error',
  'excerpt',
  'failedAttempt',
  'failure',
  'failures',
  'fate',
  'fault',
  'field',
  'figure',
  'file',
  'findings',
  'folder',
  'from',
  'healthUrl',
  'id',
  'jobId',
  'jobs',
  'key',
  'kind',
  'known',
  'lastFailure',
  'latencyMs',
  'leased',
  'leavesAtMs',
  'left',
  'leftOut',
  'level',
  'line',
  'message',
  'messageId',
  'method',
  'mode',
  'moved',
  'ms',
  'name',
  'named',
  'ok',
  'origin',
  'otherUser',
  'outcome',
  'path',
  'reason',
  'renewed',
  'reported',
  'results',
  'retried',
  'retryable',
  'retryAfterMs',
  'retryAtMs',
  'retryInMs',
  'route',
  'runpodJobId',
  'runs',
  'saved',
  'seen',
  'sinceMs',
  'source',
  'stack',
  'state',
  'status',
  'steps',
  'store-away',
  'storyId',
  'subscription',
  'suggestions',
  'summary',
  'threshold',
  'to',
  'url',
  'value',
  'voiceId',
  'waiting',
  'wanted',
  'whileDraining',
  'why',
  'words',
  'worker',
  'workerId',
] as const;

export type LogFields = { readonly [Name in (typeof LOG_FIELDS)[number]]?: unknown };

/** Writes one structured line. Undefined fields are left out. */
export type Log = (severity: 'info' | 'warn' | 'error', message: string, fields?: LogFields) => void;

/**
 * The message of anything that was thrown, for a log line or an operator; never its stack.
 *
 * @example
 * errorWords(new Error('disk full')); // 'disk full'
 */
export const errorWords = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Longest part of a fault that is logged, characters: a message may quote the input that caused it. */
const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;

/** The log entry of something that was thrown. */
export interface FaultWords {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: string;
}

const wordsOf = (value: unknown): string =>
  (value instanceof Error ? `${value.name}: ${value.message}` : String(value)).slice(0, MAX_MESSAGE);

/**
 * The log entry of anything that was thrown or rejected with, its stack included. Never throws.
 *
 * @example
 * describeFault(new TypeError('no text')).name; // 'TypeError'
 */
export const describeFault = (fault: unknown): FaultWords => {
  try {
    if (!(fault instanceof Error)) return { name: typeof fault, message: wordsOf(fault) };
    const { name, message, stack, cause } = fault;
    return {
      name,
      message: message.slice(0, MAX_MESSAGE),
      ...(typeof stack === 'string' ? { stack: stack.slice(0, MAX_STACK) } : {}),
      ...(cause === undefined ? {} : { cause: wordsOf(cause) }),
    };
  } catch {
    return { name: typeof fault, message: 'It cannot be printed.' };
  }
};

/** A token in an address, also in an address that stands encoded in another one or in JSON inside JSON. */
const TOKEN = /((?:[?&;]|%3f|%26|\\u00(?:3f|26))token(?:=|%3d))(?:(?!%26|%23|\\u0026)[^&#\s"'<>)\]\\])*/gi;

/** Most texts have no such word, and finding none is much quicker than looking for an address. */
const MAY_HAVE_TOKEN = /token[=%]/i;

/**
 * The same text without the tokens of addresses in it.
 *
 * @example
 * withoutTokens('https://a.example/?token=abc'); // 'https://a.example/?token=redacted'
 */
export const withoutTokens = (text: string): string =>
  MAY_HAVE_TOKEN.test(text) ? text.replace(TOKEN, '$1redacted') : text;

const NAMES = 'api[-_]?key|access[-_]?key|key|secret|password|passwd|authorization|token';

/** Repetitions are bounded where they may begin anywhere: a hostile text costs no more than a plain one. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // user:password@ of an address
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"']{1,500}@/gi, '$1'],
  [/\b(bearer|basic)\s{1,20}[\w.~+/=-]{4,}/gi, '$1 [redacted]'],
  [
    new RegExp(`((?:${NAMES})["']?\\s{0,20}=\\s{0,20}["']?)(?!bearer|basic)[^\\s"'&,;)}\\]]+`, 'gi'),
    '$1[redacted]',
  ],
  // After a colon there may be plain words, which are short.
  [
    new RegExp(`((?:${NAMES})["']?\\s{0,20}:\\s{0,20}["']?)(?!bearer|basic)[^\\s"'&,;)}\\]]{8,}`, 'gi'),
    '$1[redacted]',
  ],
  [/\b(?:whsec_|hmac_|sk[-_]|rpa_|AIza)[\w+/=-]{6,}/g, '[redacted]'],
];

/**
 * The same text without what looks like a credential.
 *
 * @example
 * withoutCredentials('GET /voices?key=abc'); // 'GET /voices?key=[redacted]'
 */
export const withoutCredentials = (text: string): string =>
  SECRETS.reduce((words, [pattern, instead]) => words.replace(pattern, instead), withoutTokens(text));

/** The query and the fragment of an address, whole or from its path on. */
const QUERY = /(?<=[\w/%.~-])[?#][\w.~%$+[\]-]{1,100}=[^\s"'<>)\]}\\]*/g;
const ADDRESS = /(\bhttps?:\/\/[^\s?#"'<>)\]}\\]{1,2000})[?#][^\s"'<>)\]}\\]*/gi;

/** Room for a stack. */
const MAX_LOGGED_CHARACTERS = 8_000;
const MAX_LOGGED_ITEMS = 100;
const MAX_LOGGED_DEPTH = 5;

const loggable = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string')
    return withoutCredentials(
      value.slice(0, MAX_LOGGED_CHARACTERS).replace(ADDRESS, '$1').replace(QUERY, ''),
    );
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? `${value}` : value;
  if (depth === MAX_LOGGED_DEPTH) return undefined;
  if (Array.isArray(value)) return value.slice(0, MAX_LOGGED_ITEMS).map((item) => loggable(item, depth + 1));
  const named = value as LogFields;
  return Object.fromEntries(
    LOG_FIELDS.flatMap((name) =>
      named[name] === undefined ? [] : [[name, loggable(named[name], depth + 1)]],
    ),
  );
};

/**
 * The fields of a line as every log writes them: only those of the list, addresses without their query, credentials
 * redacted, long texts cut.
 *
 * @example
 * logFields({ storyId: 's1', url: 'https://a.example/x.mp3?signature=abc' }); // { storyId: 's1', url: 'https://a.example/x.mp3' }
 */
export const logFields = (fields: LogFields = {}): LogFields => loggable(fields, 0) as LogFields;

/** Node's `console.log` and `util.inspect` look for it; a plain symbol, so that the page needs no Node. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');
const REDACTED = '[redacted]';

/** A secret. Printing it shows `[redacted]`. */
export class SecretText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  toJSON(): string {
    return REDACTED;
  }

  toString(): string {
    return REDACTED;
  }

  [INSPECT](): string {
    return REDACTED;
  }
}
