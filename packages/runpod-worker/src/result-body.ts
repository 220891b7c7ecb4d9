import { PROTOCOL_VERSION } from './protocol.ts';

/** A result as the platform reads it. The order of the fields is that of the reference SDK. */
export interface ResultBody {
  output?: unknown;
  /** Always text: the platform shows COMPLETED without output for anything else. */
  error?: string;
  /** Asks the platform for a fresh worker. */
  stopPod?: true;
}

type Fields = Readonly<Record<string, unknown>>;

/** Plain objects only: a date or another instance is output as it is. */
const isPlain = (value: unknown): value is Fields => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isPlain(value) && Object.keys(value).length === 0;

/** Truth as the protocol's first language has it: empty lists and objects are false. */
const isTruthy = (value: unknown): boolean => Boolean(value) && !isEmpty(value);

/** Text of whatever stood in an `error` field. */
export const errorText = (error: unknown): string => {
  if (typeof error === 'string') return error;
  if (error instanceof Error) return error.message;
  try {
    return JSON.stringify(error) ?? String(error);
  } catch {
    return 'The error cannot be put into words.';
  }
};

/**
 * Reads `error` and `refresh_worker` out of what a handler returned; the rest is the output. Falsy ones are dropped,
 * and so is an output without fields.
 *
 * @see runpod-python, `run_job`
 */
export const bodyOfReturned = (value: unknown): ResultBody => {
  if (!isPlain(value)) return { output: value ?? null };
  const { error, refresh_worker: refresh, ...output } = value;
  return {
    ...(isEmpty(output) ? {} : { output }),
    ...(isTruthy(error) ? { error: errorText(error) } : {}),
    ...(isTruthy(refresh) ? { stopPod: true as const } : {}),
  };
};

/** A chunk with a truthy `error` ends its stream. @returns the words of it, or undefined */
export const errorOfChunk = (chunk: unknown): string | undefined =>
  isPlain(chunk) && isTruthy(chunk['error']) ? errorText(chunk['error']) : undefined;

export interface ThrownContext {
  readonly hostname: string;
  readonly workerId: string;
  /** Whether the stack goes out with the error. */
  readonly traceback: boolean;
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? '') : '');

/** What a handler threw: a JSON document inside a string, with the reference SDK's fields. */
export const bodyOfThrown = (error: unknown, context: ThrownContext): ResultBody => ({
  error: JSON.stringify({
    error_type: error instanceof Error ? error.name : typeof error,
    error_message: errorText(error),
    error_traceback: context.traceback ? stackOf(error) : '',
    hostname: context.hostname,
    worker_id: context.workerId,
    runpod_version: PROTOCOL_VERSION,
  }),
});

/** What a generator threw: the reference SDK has another shape for it. */
export const wordsOfThrownInStream = (error: unknown, traceback: boolean): string =>
  `handler: ${errorText(error)}${traceback ? ` \ntraceback: ${stackOf(error)}` : ''}`;
