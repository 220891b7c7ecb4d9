import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderLookup } from '@taleback/core/signatures';
import type { Response as ExpressResponse } from 'express';
import type { Request as ExpressRequest } from 'firebase-functions/https';
import { type Answer, json, type Refusal, refuse } from './answer.ts';
import { BODY_TIMEOUT_MS, type BodyLimits, MAX_BODY_BYTES, parseJson, readBody } from './call.ts';

/** Every function over HTTP: `expressEdge` and `boundedCallable` read their bodies. */
export const HTTP_FUNCTIONS = [
  'tts',
  'requestStoryAudio',
  'retryStoryAudio',
  'renewStoryAudio',
  'deleteStory',
  'deleteMyData',
];

/** Requests whose body the platform has not read. */
const unread = new WeakSet<IncomingMessage>();

/**
 * Keeps the platform from reading the bodies of requests. Cloud Functions' own server inflates and parses a body of up
 * to 1 GiB before it calls a function. It reads nothing from a request without length and encoding, so these headers are
 * hidden from it (`rawHeaders` has them). Call this once, before the first request.
 *
 * @param target the function that this process serves: `FUNCTION_TARGET`. The requests of other functions are left alone
 */
export const installGate = (target: string | undefined): void => {
  if (target === undefined || !HTTP_FUNCTIONS.includes(target)) return;
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    unread.add(request);
    delete request.headers['content-length'];
    delete request.headers['transfer-encoding'];
  });
};

/** The headers as they came. */
export const headersOf = ({ rawHeaders }: IncomingMessage): HeaderLookup => ({
  get: (wanted) => {
    let found: string | null = null;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? '';
      if (name.length !== wanted.length || name.toLowerCase() !== wanted) continue;
      const value = rawHeaders[index + 1] ?? '';
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  },
});

/** As much as Cloud Run lets through. */
const MAX_DISCARDED_BYTES = 33_554_432;

/**
 * How much of a refused body is dropped, and for how long, by the status of the refusal. A sender that was given its time
 * is not waited for again; one that has only ever failed is given the time to read its answer.
 */
const discardLimits = (status: number): BodyLimits => {
  if (status === 408) return { maxBytes: 0, timeoutMs: 0 };
  if (status === 429) return { maxBytes: MAX_BODY_BYTES, timeoutMs: 1_000 };
  return { maxBytes: MAX_DISCARDED_BYTES, timeoutMs: BODY_TIMEOUT_MS };
};

/** Reads and drops what is left of a body, up to a size and a time. */
const discardRest = (request: IncomingMessage, { maxBytes, timeoutMs }: BodyLimits): Promise<void> =>
  new Promise((resolve) => {
    // Its sender has gone.
    if (request.destroyed || timeoutMs === 0) return resolve();
    const timer = setTimeout(resolve, timeoutMs);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    let left = maxBytes;
    request.on('data', (chunk: Buffer) => {
      left -= chunk.byteLength;
      if (left < 0) stop();
    });
    request.once('close', stop).once('end', stop).resume();
  });

/**
 * Sends an answer. The connection of a body that was refused unread stays open while the rest of it comes, because many
 * senders read no answer before they have sent everything.
 */
export const send = async (
  { status, headers, body }: Answer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> => {
  outgoing.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    // What is left of a body would be taken for the next request.
    ...(incoming.complete ? {} : { connection: 'close' }),
  });
  if (incoming.complete) return void outgoing.end(body);
  outgoing.write(body);
  await discardRest(incoming, discardLimits(status));
  outgoing.end();
};

export const isUnread = (request: IncomingMessage): boolean => unread.has(request);

/** The data of a callable is an id and a few settings. */
const CALLABLE_LIMITS = { maxBytes: 65_536, timeoutMs: BODY_TIMEOUT_MS };

/** A refusal in the form that Firebase's clients read. */
const refuseCallable = (refusal: Refusal): Answer => {
  const answer = refuse(refusal);
  const { error } = JSON.parse(answer.body) as { readonly error: string };
  return json(answer.status, { error: { status: 'INVALID_ARGUMENT', message: error } });
};

type HttpFunction = (request: ExpressRequest, response: ExpressResponse) => void | Promise<void>;

/** The data of a callable's request; the refusal of a body that is too large, too slow or not JSON. */
const readData = async (
  request: ExpressRequest,
): Promise<{ readonly body: unknown; readonly rawBody: Uint8Array } | Answer> => {
  const body = await readBody({ headers: headersOf(request), body: request }, CALLABLE_LIMITS);
  if (!body.ok) return refuseCallable(body.refusal);
  const parsed = parseJson(body.bytes);
  if (!parsed.ok) return refuseCallable({ kind: 'not-json', sentence: parsed.sentence });
  // Firebase would write the body to the log.
  if (typeof parsed.value !== 'object' || parsed.value === null || !('data' in parsed.value))
    return refuseCallable({ kind: 'not-json', sentence: 'body: must be an object with "data"' });
  return { body: parsed.value, rawBody: body.bytes };
};

/** The callable, with a body of bounded size that the platform has not read. */
export const boundedCallable = <Callable extends HttpFunction>(callable: Callable): Callable => {
  const bounded = async (request: ExpressRequest, response: ExpressResponse): Promise<void> => {
    if (isUnread(request) && request.method === 'POST') {
      const data = await readData(request);
      if ('status' in data) return send(data, request, response);
      Object.assign(request, data);
    }
    return callable(request, response);
  };
  // What a deployment reads from a function: `__endpoint`, `__trigger`, `run`.
  return Object.defineProperties(bounded, Object.getOwnPropertyDescriptors(callable)) as unknown as Callable;
};
