import { describeError, type ErrorCode } from '@taleback/core';
import type { RequestAnswer } from './request-audio.ts';

/** What the page gets back from a callable. */
export interface CallableValue {
  readonly status: 'opened' | 'under-way' | 'already-ready';
  readonly jobId: string | null;
  readonly attempt: number;
}

/** The callable's answer, or the canonical status, sentence and details of its error. */
export type CallableAnswer =
  | { readonly ok: true; readonly value: CallableValue }
  | {
      readonly ok: false;
      readonly status: 'invalid-argument' | 'not-found' | 'failed-precondition' | 'unavailable';
      readonly sentence: string;
      readonly details: { readonly code: ErrorCode; readonly field?: string };
    };

/** Puts the end of a request into the words of Firebase's callable protocol. */
export const callableAnswer = (answer: RequestAnswer): CallableAnswer => {
  switch (answer.kind) {
    case 'opened':
    case 'under-way':
    case 'already-ready':
      return {
        ok: true,
        value: { status: answer.kind, jobId: answer.jobId ?? null, attempt: answer.attempt },
      };
    case 'not-due':
      throw new Error('only the sweeper is told to wait');
    case 'invalid':
      return {
        ok: false,
        status: 'invalid-argument',
        sentence: answer.sentence,
        details: { code: 'request_invalid' },
      };
    case 'no-such-story':
      return {
        ok: false,
        status: 'not-found',
        sentence: 'storyId: you have no such story',
        details: { code: 'request_invalid', field: 'storyId' },
      };
    case 'unfit':
      return {
        ok: false,
        status: 'failed-precondition',
        sentence: answer.sentence,
        details: { code: answer.code, field: answer.field },
      };
    case 'queue-away':
    case 'store-away':
      return {
        ok: false,
        status: 'unavailable',
        sentence: describeError('queue_unavailable').sentence,
        details: { code: 'queue_unavailable' },
      };
    default:
      return answer satisfies never;
  }
};
