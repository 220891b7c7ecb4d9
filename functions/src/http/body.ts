import type { Refusal } from './answer.ts';

/** Largest body of a callback. Python handlers send a few kilobytes; metadata may be larger. */
export const MAX_BODY_BYTES = 262_144;

/** How long a body may take to arrive, in milliseconds: enough for the largest at 30 KB/s. */
export const BODY_TIMEOUT_MS = 10_000;

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

export type Body =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly refusal: Refusal };

const refused = (refusal: Refusal): Body => ({ ok: false, refusal });

const brokenOff: Refusal = { kind: 'not-json', sentence: 'body: broke off' };

/** Reads to the end, or gives up as soon as it is too large. */
const readAll = async (reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<Body> => {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { ok: true, bytes: Buffer.concat(chunks) };
    sizeBytes += value.byteLength;
    if (sizeBytes > maxBytes) return refused({ kind: 'too-large', maxBytes });
    chunks.push(value);
  }
};

/** Reads the raw body. Refuses one that declares or has too many bytes, arrives too late, or breaks off. */
export const readBody = async (request: Request, { maxBytes, timeoutMs }: BodyLimits): Promise<Body> => {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes)
    return refused({ kind: 'too-large', maxBytes });
  if (request.body === null) return { ok: true, bytes: new Uint8Array() };
  const reader = request.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let timer: NodeJS.Timeout | undefined;
  const tooSlow = new Promise<Body>((resolve) => {
    timer = setTimeout(() => resolve(refused({ kind: 'too-slow' })), timeoutMs);
  });
  const read = readAll(reader, maxBytes).catch(() => refused(brokenOff));
  try {
    const body = await Promise.race([read, tooSlow]);
    // The rest of a refused body is discarded without waiting for it.
    if (!body.ok) reader.cancel().catch(() => {});
    return body;
  } finally {
    clearTimeout(timer);
  }
};

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses raw bytes as JSON; the sentence names the fault without repeating the body. */
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
