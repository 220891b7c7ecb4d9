import type { Refusal } from './answer.ts';

/** Largest body that is read. Answers of the seeds' handlers are a few kilobytes; metadata may be larger. */
export const MAX_BODY_BYTES = 262_144;

export type Body =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly refusal: Refusal };

const tooLarge: Body = { ok: false, refusal: { kind: 'too-large', maxBytes: MAX_BODY_BYTES } };

/** Reads the raw body, giving up as soon as it is too large. */
export const readBody = async (request: Request): Promise<Body> => {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return tooLarge;
  if (request.body === null) return { ok: true, bytes: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_BODY_BYTES) return tooLarge;
    chunks.push(chunk);
  }
  return { ok: true, bytes: Buffer.concat(chunks) };
};

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses raw bytes as JSON; the sentence says what kind of wrong it is, without repeating the body. */
export const parseJson = (
  bytes: Uint8Array,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly sentence: string } => {
  if (bytes.byteLength === 0) return { ok: false, sentence: 'body: must not be empty' };
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return { ok: false, sentence: 'body: must be UTF-8' };
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, sentence: 'body: must be valid JSON' };
  }
};
