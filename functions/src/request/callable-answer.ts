import { describeError, type ErrorCode } from '@taleback/core';
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

interface Refusal {
  readonly ok: false;
  readonly status: 'invalid-argument' | 'not-found' | 'failed-precondition' | 'unavailable';
  readonly sentence: string;
  readonly details: { readonly code: ErrorCode; readonly field?: string };
}

/** The callable's answer, or the canonical status, sentence and details of its error. */
export type CallableAnswer<Value> = { readonly ok: true; readonly value: Value } | Refusal;

const invalid = (sentence: string): Refusal => ({
  ok: false,
  status: 'invalid-argument',
  sentence,
  details: { code: 'request_invalid' },
});

const NO_SUCH_STORY: Refusal = {
  ok: false,
  status: 'not-found',
  sentence: 'storyId: you have no such story',
  details: { code: 'request_invalid', field: 'storyId' },
};

const unavailable = (code: ErrorCode): Refusal => ({
  ok: false,
  status: 'unavailable',
  sentence: describeError(code).sentence,
  details: { code },
});

/** Maps the end of a request to Firebase's callable protocol. */
export const callableAnswer = (answer: RequestAnswer): CallableAnswer<CallableValue> => {
  switch (answer.kind) {
    case 'opened':
    case 'under-way':
    case 'already-ready':
      return {
        ok: true,
        value: { status: answer.kind, jobId: answer.jobId ?? null, attempt: answer.attempt },
      };
    case 'not-due':
      throw new Error('only the sweeper can be too early');
    case 'invalid':
      return invalid(answer.sentence);
    case 'no-such-story':
      return NO_SUCH_STORY;
    case 'unfit':
      return {
        ok: false,
        status: 'failed-precondition',
        sentence: answer.sentence,
        details: { code: answer.code, field: answer.field },
      };
    case 'queue-away':
    case 'store-away':
      return unavailable('queue_unavailable');
    default:
      return answer satisfies never;
  }
};

/** Maps the end of a renewal to Firebase's callable protocol. */
export const renewalAnswer = (answer: RenewAnswer): CallableAnswer<RenewalValue> => {
  switch (answer.kind) {
    case 'renewed':
    case 'unchanged':
      return { ok: true, value: { status: answer.kind } };
    case 'invalid':
      return invalid(answer.sentence);
    case 'no-such-story':
      return NO_SUCH_STORY;
    case 'store-away':
    case 'audio-store-away':
      return unavailable('storage_unavailable');
    default:
      return answer satisfies never;
  }
};
