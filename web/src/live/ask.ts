import { type ErrorCode, isErrorCode, isRecord } from '@taleback/core';

/**
 * How an ask for a narration ends.
 *
 * - `opened`: a new attempt stands, the story is pending
 * - `under-way`: the narrator is at it already, so asking twice was asking once
 * - `already-ready`: a Try Again came after all was well
 * - `refused`: the server said why, with a code of the catalogue; `retryAtMs` is when the same ask may succeed, if known
 * - `unreached`: no reasoned answer came; asking again is safe
 */
export type AskAnswer =
  | { readonly kind: 'opened' | 'under-way' | 'already-ready' }
  | {
      readonly kind: 'refused';
      readonly code: ErrorCode;
      readonly words: string;
      readonly retryAtMs?: number;
    }
  | { readonly kind: 'unreached'; readonly words: string };

/** How a deletion ends; one that the server still has under way is finished without the page. */
export type DeletionAnswer =
  | { readonly kind: 'deleted' }
  | Extract<AskAnswer, { kind: 'refused' | 'unreached' }>;

/** Codes of callable functions about the connection, not about the request. */
const UNREACHED = /^functions\/(unavailable|deadline-exceeded|internal|cancelled|unknown|aborted)$/;

const fieldOf = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined);

const NOT_UNDERSTOOD = { kind: 'unreached', words: 'The answer could not be understood.' } as const;

/** Parses what the callable answered. */
export const parseAnswer = (data: unknown): AskAnswer => {
  const status = fieldOf(data, 'status');
  return status === 'opened' || status === 'under-way' || status === 'already-ready'
    ? { kind: status }
    : NOT_UNDERSTOOD;
};

/** Parses what the callable of a deletion answered. */
export const parseDeletion = (data: unknown): DeletionAnswer => {
  const status = fieldOf(data, 'status');
  return status === 'deleted' || status === 'under-way' ? { kind: 'deleted' } : NOT_UNDERSTOOD;
};

/** Parses what the callable threw; a code of our catalogue in its details outranks the transport's. */
export const parseRefusal = (fault: unknown): Extract<AskAnswer, { kind: 'refused' | 'unreached' }> => {
  const message = fieldOf(fault, 'message');
  const words = typeof message === 'string' ? message : String(fault);
  const details = fieldOf(fault, 'details');
  const catalogued = fieldOf(details, 'code');
  if (isErrorCode(catalogued)) {
    const retryAtMs = Date.parse(String(fieldOf(details, 'retryAt')));
    const retry = Number.isNaN(retryAtMs) ? {} : { retryAtMs };
    return { kind: 'refused', code: catalogued, words, ...retry };
  }
  const code = String(fieldOf(fault, 'code'));
  return code.startsWith('functions/') && !UNREACHED.test(code)
    ? { kind: 'refused', code: 'unknown', words: `${code}: ${words}` }
    : { kind: 'unreached', words };
};

/** Whether a callable answered that the story is getting another address of its audio. */
export const isRenewed = (data: unknown): boolean => fieldOf(data, 'status') === 'renewed';
