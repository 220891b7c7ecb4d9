import { isRecord, toWellFormed } from '@taleback/core';
import { readJson } from '../http/call.ts';

/** RunPod's error, taken apart. */
export interface JobError {
  /** A sentence; never a traceback. */
  readonly error: string | undefined;
  /** The end of the traceback, where the cause stands, and what else is technical. */
  readonly details: string | undefined;
  /** A code or a class name, as the handler gave it. */
  readonly errorType: string | undefined;
}

const MAX_SENTENCE_CHARACTERS = 1_000;
const MAX_DETAILS_CHARACTERS = 2_000;
/** A sentence and its traceback fit into this; the rest is not read. */
const MAX_READ_CHARACTERS = 100_000;

const NOTHING: JobError = { error: undefined, details: undefined, errorType: undefined };

const text = (value: unknown): string | undefined => {
  const read = typeof value === 'number' ? String(value) : value;
  return typeof read === 'string' && read.trim() !== '' ? toWellFormed(read.trim()) : undefined;
};

const end = (words: string | undefined): string | undefined => words?.slice(-MAX_DETAILS_CHARACTERS);

/** `handler: message`, a line break and `traceback: ...`, or a bare Python traceback, as generators give them. */
const readWords = (words: string): JobError => {
  const at = words.search(/traceback:|Traceback \(most recent call last\)/);
  if (at < 0) return { ...NOTHING, error: words.slice(0, MAX_SENTENCE_CHARACTERS) };
  const traceback = words.slice(at).trim();
  const sentence = text(words.slice(0, at)) ?? text(traceback.split('\n').findLast((line) => line.trim()));
  return { ...NOTHING, error: sentence?.slice(0, MAX_SENTENCE_CHARACTERS), details: end(traceback) };
};

const readFields = (fields: Readonly<Record<string, unknown>>): JobError => {
  const words = text(fields['error_message']) ?? text(fields['message']) ?? text(fields['error']);
  // A sentence may contain a traceback of its own, which must not be shown as a sentence.
  const { error, details } = words === undefined ? NOTHING : readWords(words);
  const traceback = text(fields['error_traceback']) ?? text(fields['traceback']);
  const errorType = (text(fields['error_type']) ?? text(fields['code']))?.slice(0, 200);
  return { error, details: end(traceback) ?? details ?? end(text(fields['error_details'])), errorType };
};

/**
 * Reads RunPod's `error`: words, an object, or, when a Python handler raised, a JSON document inside a string.
 * @see https://github.com/runpod/runpod-python/blob/main/runpod/serverless/modules/rp_job.py
 */
export const readJobError = (value: unknown): JobError => {
  if (isRecord(value)) return readFields(value);
  const words = text(value)?.slice(0, MAX_READ_CHARACTERS);
  if (words === undefined) return NOTHING;
  const inner = words.startsWith('{') ? readJson(words) : undefined;
  return isRecord(inner) ? readFields(inner) : readWords(words);
};
