import { isTalebackError, TalebackError, toTalebackError } from '@taleback/core/errors';
import { cancellationOf, throwIfCancelled } from '../../cancellation.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Names in lower case; of several with one name the first. */
export type HttpHeaders = Readonly<Record<string, string | undefined>>;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * One request and its whole answer, whatever its status. Redirects are answers. It has no timeout of its own.
 *
 * @throws TalebackError `dns_failed`, `network_unreachable`, `tls_failed`, `timed_out`, what `cancellationOf` makes of
 * the signal, `audio_missing` when the answer breaks off, `provider_rejected` when it is too large to be speech.
 */
export type SpeechHttp = (request: HttpRequest) => Promise<HttpAnswer>;

/** A minute of 48 kHz sound is 6 MB; no chunk is as long as ten. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
/** To connect, ms. The timeout of the request itself is the caller's. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Shorter than the 5 s after which many servers hang up. */
const KEEP_ALIVE_MS = 4_000;

export interface OpenSpeechHttp {
  readonly http: SpeechHttp;
  readonly close: () => Promise<void>;
}

export const flatHeaders = (headers: Readonly<Record<string, string | string[] | undefined>>): HttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );

const readWhole = async (body: AsyncIterable<Buffer>): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of body) {
      sizeBytes += part.byteLength;
      if (sizeBytes > MAX_ANSWER_BYTES) {
        throw new TalebackError('provider_rejected', 'The answer of the speech service is too large.', {
          details: `more than ${MAX_ANSWER_BYTES} bytes`,
        });
      }
      parts.push(part);
    }
  } catch (error) {
    if (isTalebackError(error) || (error as Error).name === 'AbortError') throw error;
    throw new TalebackError('audio_missing', 'The answer of the speech service broke off.', {
      details: `after ${sizeBytes} bytes: ${(error as Error).message}`,
      cause: error,
    });
  }
  return new Uint8Array(Buffer.concat(parts));
};

/** Loaded by the first request: an engine in a process of ours needs no HTTP. */
const openClient = async () => {
  const { Agent, request } = await import('undici');
  const dispatcher = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // A model may take longer than undici's own limits, and the caller has a timeout.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  return { request, dispatcher };
};

/** Requests to speech services, over connections that are kept open between them. */
export const openSpeechHttp = (): OpenSpeechHttp => {
  let opening: ReturnType<typeof openClient> | undefined;
  const http: SpeechHttp = async ({ url, method, headers = {}, body = null, signal }) => {
    throwIfCancelled(signal);
    opening ??= openClient();
    const { request, dispatcher } = await opening;
    try {
      const answer = await request(url, { method, headers, body, dispatcher, signal: signal ?? null });
      return {
        status: answer.statusCode,
        headers: flatHeaders(answer.headers),
        body: await readWhole(answer.body),
      };
    } catch (error) {
      if (signal?.aborted === true) throw cancellationOf(signal);
      throw toTalebackError(error);
    }
  };
  return { http, close: async () => (await opening)?.dispatcher.destroy() };
};
