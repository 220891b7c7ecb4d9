import { describeError, type ErrorCode, present } from '@taleback/core';
import type { DeletionAnswer } from './deletion.ts';
import type { RenewAnswer } from './renew-audio.ts';
import type { RequestAnswer } from './request-audio.ts';

/** The value of `requestStoryAudio` and `retryStoryAudio`. */
export interface CallableValue {
  readonly status: 'opened' | 'under-way' | 'already-ready';
  readonly jobId: string | null;
  readonly attempt: number;
}

/** The value of `renewStoryAudio`. */
export interface RenewalValue {
  readonly status: 'renewed' | 'unchanged';
}

/** The value of `deleteStory` and `deleteMyData`; the sweep finishes what is under way. */
export interface DeletionValue {
  readonly status: 'deleted' | 'under-way';
}

interface Refusal {
  readonly ok: false;
  readonly status:
    | 'invalid-argument'
    | 'not-found'
    | 'failed-precondition'
    | 'resource-exhausted'
    | 'unavailable';
  readonly sentence: string;
  readonly details: { readonly code?: ErrorCode; readonly field?: string; readonly retryAt?: string };
}

/** The callable's answer, or the canonical status, sentence and details of its error. */
export type CallableAnswer<Value> = { readonly ok: true; readonly value: Value } | Refusal;

const refusal = (status: Refusal['status'], code: ErrorCode, sentence?: string, field?: string): Refusal => ({
  ok: false,
  status,
  sentence: sentence ?? describeError(code).sentence,
  details: present({ code, field }),
});

const refusalOf = (
  answer: Exclude<
    RequestAnswer | RenewAnswer | DeletionAnswer,
    { attempt: number } | { kind: 'renewed' | 'unchanged' | 'deleted' | 'under-way' }
  >,
  awayCode: ErrorCode,
): Refusal => {
  switch (answer.kind) {
    case 'invalid':
      return refusal('invalid-argument', 'request_invalid', answer.sentence);
    case 'no-such-story':
      return refusal('not-found', 'request_invalid', 'storyId: you have no such story', 'storyId');
    case 'unfit':
      return refusal('failed-precondition', answer.code, answer.sentence, answer.field);
    case 'over-budget': {
      const { code, sentence, retryAtMs } = answer;
      const retryAt = retryAtMs === undefined ? undefined : new Date(retryAtMs).toISOString();
      return { ok: false, status: 'resource-exhausted', sentence, details: present({ code, retryAt }) };
    }
    case 'queue-away':
    case 'store-away':
    case 'audio-store-away':
      return refusal('unavailable', awayCode);
    default:
      return answer satisfies never;
  }
};

/** Maps the end of a request to Firebase's callable protocol. */
export const callableAnswer = (answer: RequestAnswer): CallableAnswer<CallableValue> => {
  if (!('attempt' in answer)) return refusalOf(answer, 'queue_unavailable');
  const { kind: status, jobId = null, attempt } = answer;
  if (status === 'not-due') throw new Error('only the sweeper can be too early');
  return { ok: true, value: { status, jobId, attempt } };
};

/** Maps the end of a renewal to Firebase's callable protocol. */
export const renewalAnswer = (answer: RenewAnswer): CallableAnswer<RenewalValue> =>
  answer.kind === 'renewed' || answer.kind === 'unchanged'
    ? { ok: true, value: { status: answer.kind } }
    : refusalOf(answer, 'storage_unavailable');

/** Maps the end of a deletion to Firebase's callable protocol. */
export const deletionAnswer = (answer: DeletionAnswer): CallableAnswer<DeletionValue> =>
  answer.kind === 'deleted' || answer.kind === 'under-way'
    ? { ok: true, value: { status: answer.kind } }
    : refusalOf(answer, 'storage_unavailable');
