import { errorText } from './log.ts';
import { PROTOCOL_VERSION } from './platform.ts';

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

const MIB = 1024 * 1024;

const inMib = (sizeBytes: number): string => (sizeBytes / MIB).toFixed(1);

const REMEDY = 'Upload it to storage and return its address.';

export const refusedForSize = (sizeBytes: number): ResultBody => ({
  error: `The platform refused the result for its size, ${inMib(sizeBytes)} MiB. ${REMEDY}`,
});

const tooLarge = (sizeBytes: number, maxBytes: number): ResultBody => ({
  error: `The result is too large: ${inMib(sizeBytes)} MiB, at most ${inMib(maxBytes)} MiB are accepted. ${REMEDY}`,
});

/**
 * JSON text of a result. What cannot be written as JSON, and what is larger than `maxBytes`, becomes an error result
 * that says so; `stopPod` is kept.
 */
export const encodeResult = (body: ResultBody, maxBytes: number): string => {
  const instead = (replacement: ResultBody): string =>
    JSON.stringify({ ...replacement, ...(body.stopPod === true ? { stopPod: true } : {}) });
  let text: string;
  try {
    text = JSON.stringify(body);
  } catch (error) {
    return instead({ error: `The result cannot be written as JSON: ${errorText(error)}` });
  }
  const sizeBytes = Buffer.byteLength(text);
  return sizeBytes > maxBytes ? instead(tooLarge(sizeBytes, maxBytes)) : text;
};
