import { STORY_DELETED } from '@taleback/core';

/** Why a request is refused. */
export type Refusal =
  | { readonly kind: 'not-json' | 'wrong-shape'; readonly sentence: string }
  /** The answer does not say what was wrong. */
  | { readonly kind: 'not-authentic' }
  /** `not-this-user`: the story exists and belongs to another user. `story-deleted`: for verified callers only. */
  | { readonly kind: 'no-such-story' | 'not-this-user' | 'story-deleted'; readonly storyId: string }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'too-large'; readonly maxBytes: number }
  | { readonly kind: 'too-many'; readonly retryAfterSeconds: number }
  | { readonly kind: 'over-budget'; readonly sentence: string; readonly retryAfterSeconds: number }
  | { readonly kind: 'no-such-route' | 'too-slow' | 'wrong-type' | 'wrong-encoding' }
  /** The sender should retry: Firestore or the job queue is unavailable. */
  | { readonly kind: 'store-away' | 'queue-away' | 'heartbeat-not-kept' | 'recording-not-kept' };

/** Firestore and Pub/Sub are usually back by then, and the sender still retries. @see docs/origins.md#delivery */
const RETRY_AFTER = { 'retry-after': '5' };

/** The response to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A JSON answer that must not be cached. */
export const json = (status: number, body: unknown, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
});

/** `200 {"success":true}`, with the route's additional fields. */
export const accept = (fields: Record<string, unknown> = {}): Answer =>
  json(200, { success: true, ...fields });

const failure = (status: number, error: string, headers?: Answer['headers']): Answer =>
  json(status, { success: false, error }, headers);

/** `500` for a fault of our own, without details. */
export const answerFault = (): Answer => failure(500, 'internal error');

/** `503` where the configuration is wrong: the sender retries, and the log names the variable. */
export const answerMisconfigured = (): Answer =>
  failure(503, 'the receiver is not configured; its log says why', RETRY_AFTER);

/** The refusal's status with `{"success":false,"error":"..."}`. */
export const refuse = (refusal: Refusal): Answer => {
  switch (refusal.kind) {
    case 'not-json':
      return failure(400, refusal.sentence);
    case 'not-authentic':
      return failure(401, 'signature: missing or not valid');
    case 'no-such-story':
      return failure(404, `story_id: there is no story "${refusal.storyId}"`);
    case 'story-deleted': {
      const error = `story_id: the story "${refusal.storyId}" was deleted`;
      return json(404, { success: false, code: STORY_DELETED, error });
    }
    case 'not-this-user':
      return failure(404, `user_id: this user has no story "${refusal.storyId}"`);
    case 'no-such-route':
      return failure(404, 'path: nothing is served here');
    case 'wrong-method':
      return failure(405, `method: use ${refusal.allow}`, { allow: refusal.allow });
    case 'too-slow':
      return failure(408, 'body: took too long to arrive');
    case 'too-large':
      return failure(413, `body: must be at most ${refusal.maxBytes} bytes`);
    case 'wrong-type':
      return failure(415, 'content-type: must be application/json');
    case 'wrong-encoding':
      return failure(415, 'content-encoding: must be gzip, deflate or br');
    case 'wrong-shape':
      return failure(422, refusal.sentence);
    case 'too-many':
      return failure(429, 'too many requests; send this again later', {
        'retry-after': String(refusal.retryAfterSeconds),
      });
    case 'over-budget':
      return failure(429, refusal.sentence, { 'retry-after': String(refusal.retryAfterSeconds) });
    case 'store-away':
      return failure(503, 'the story could not be written just now; send this again', RETRY_AFTER);
    case 'queue-away':
      return failure(503, 'the job could not be queued just now; send this again', RETRY_AFTER);
    case 'heartbeat-not-kept':
      return failure(503, 'the heartbeat could not be written just now; send this again', RETRY_AFTER);
    case 'recording-not-kept':
      return failure(503, 'the recording could not be kept just now; send this again', RETRY_AFTER);
    default:
      return refusal satisfies never;
  }
};
