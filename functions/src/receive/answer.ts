/** Why a request is refused; each with the HTTP status it becomes. */
export type Refusal =
  /** 400 */
  | { readonly kind: 'not-json'; readonly sentence: string }
  /** 401; says nothing of what was wrong */
  | { readonly kind: 'not-authentic' }
  /** 404 */
  | { readonly kind: 'no-such-story'; readonly storyId: string }
  /** 404 */
  | { readonly kind: 'no-such-route' }
  /** 405 */
  | { readonly kind: 'wrong-method'; readonly allow: string }
  /** 413 */
  | { readonly kind: 'too-large'; readonly maxBytes: number }
  /** 415 */
  | { readonly kind: 'wrong-type' }
  /** 422 */
  | { readonly kind: 'wrong-shape'; readonly sentence: string }
  /** 503; the sender is meant to try again */
  | { readonly kind: 'store-away'; readonly retryAfterSeconds: number };

const STATUS: Readonly<Record<Refusal['kind'], number>> = {
  'not-json': 400,
  'not-authentic': 401,
  'no-such-story': 404,
  'no-such-route': 404,
  'wrong-method': 405,
  'too-large': 413,
  'wrong-type': 415,
  'wrong-shape': 422,
  'store-away': 503,
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
    case 'no-such-route':
      return 'path: nothing is served here';
    case 'wrong-method':
      return `method: use ${refusal.allow}`;
    case 'too-large':
      return `body: must be at most ${refusal.maxBytes} bytes`;
    case 'wrong-type':
      return 'content-type: must be application/json';
    case 'store-away':
      return 'the story could not be written just now; send this again';
    default:
      return refusal satisfies never;
  }
};

const headersOf = (refusal: Refusal): Record<string, string> => {
  if (refusal.kind === 'wrong-method') return { allow: refusal.allow };
  if (refusal.kind === 'store-away') return { 'retry-after': String(refusal.retryAfterSeconds) };
  return {};
};

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  });

/** `200 {"success":true}`, with more fields where a route has something to say. */
export const accept = (fields: Record<string, unknown> = {}): Response =>
  json(200, { success: true, ...fields });

/** The refusal's status with `{"success":false,"error":"..."}`. */
export const refuse = (refusal: Refusal): Response =>
  json(STATUS[refusal.kind], { success: false, error: sentenceOf(refusal) }, headersOf(refusal));

/** `500`, for a fault of our own; it tells the caller nothing of it. */
export const answerFault = (): Response => json(500, { success: false, error: 'internal error' });
