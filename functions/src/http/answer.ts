/** Why a request is refused; each with the HTTP status it becomes. */
export type Refusal =
  /** 400 */
  | { readonly kind: 'not-json'; readonly sentence: string }
  /** 401; does not say what was wrong */
  | { readonly kind: 'not-authentic' }
  /** 404 */
  | { readonly kind: 'no-such-story'; readonly storyId: string }
  /** 404; the story exists and belongs to another user */
  | { readonly kind: 'not-this-user'; readonly storyId: string }
  /** 404 */
  | { readonly kind: 'no-such-route' }
  /** 405 */
  | { readonly kind: 'wrong-method'; readonly allow: string }
  /** 408 */
  | { readonly kind: 'too-slow' }
  /** 413 */
  | { readonly kind: 'too-large'; readonly maxBytes: number }
  /** 415 */
  | { readonly kind: 'wrong-type' }
  /** 422 */
  | { readonly kind: 'wrong-shape'; readonly sentence: string }
  /** 429 */
  | { readonly kind: 'too-many'; readonly retryAfterSeconds: number }
  /** 503; the sender should retry */
  | { readonly kind: 'store-away'; readonly retryAfterSeconds: number }
  /** 503; the sender should retry; the job queue is unavailable */
  | { readonly kind: 'queue-away'; readonly retryAfterSeconds: number }
  /** 503; the worker's heartbeat could not be stored */
  | { readonly kind: 'heartbeat-not-kept'; readonly retryAfterSeconds: number };

/** Firestore and Pub/Sub are usually back by then, and the sender still retries. @see docs/origins.md#delivery */
export const RETRY_AFTER_SECONDS = 5;

const STATUS: Readonly<Record<Refusal['kind'], number>> = {
  'not-json': 400,
  'not-authentic': 401,
  'no-such-story': 404,
  'not-this-user': 404,
  'no-such-route': 404,
  'wrong-method': 405,
  'too-slow': 408,
  'too-large': 413,
  'wrong-type': 415,
  'wrong-shape': 422,
  'too-many': 429,
  'store-away': 503,
  'queue-away': 503,
  'heartbeat-not-kept': 503,
};

const sentenceOf = (refusal: Refusal): string => {
  switch (refusal.kind) {
    case 'not-json':
    case 'wrong-shape':
      return refusal.sentence;
    case 'not-authentic':
      return 'signature: missing or not valid';
    case 'no-such-story':
      return `story_id: there is no story "${refusal.storyId}"`;
    case 'not-this-user':
      return `user_id: this user has no story "${refusal.storyId}"`;
    case 'no-such-route':
      return 'path: nothing is served here';
    case 'wrong-method':
      return `method: use ${refusal.allow}`;
    case 'too-slow':
      return 'body: took too long to arrive';
    case 'too-large':
      return `body: must be at most ${refusal.maxBytes} bytes`;
    case 'wrong-type':
      return 'content-type: must be application/json';
    case 'too-many':
      return 'too many requests; send this again later';
    case 'store-away':
      return 'the story could not be written just now; send this again';
    case 'queue-away':
      return 'the job could not be queued just now; send this again';
    case 'heartbeat-not-kept':
      return 'the heartbeat could not be written just now; send this again';
    default:
      return refusal satisfies never;
  }
};

const headersOf = (refusal: Refusal): Record<string, string> => {
  if (refusal.kind === 'wrong-method') return { allow: refusal.allow };
  if ('retryAfterSeconds' in refusal) return { 'retry-after': String(refusal.retryAfterSeconds) };
  return {};
};

/** A JSON answer that must not be cached. */
export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  });

/** `200 {"success":true}`, with the route's additional fields. */
export const accept = (fields: Record<string, unknown> = {}): Response =>
  json(200, { success: true, ...fields });

/** The refusal's status with `{"success":false,"error":"..."}`. */
export const refuse = (refusal: Refusal): Response =>
  json(STATUS[refusal.kind], { success: false, error: sentenceOf(refusal) }, headersOf(refusal));

/** `500` for a fault of our own, without details. */
export const answerFault = (): Response => json(500, { success: false, error: 'internal error' });
