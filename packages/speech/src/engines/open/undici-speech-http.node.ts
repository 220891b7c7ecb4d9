import { isTalebackError, TalebackError, toTalebackError } from '@taleback/core';
import { Agent, request, FormData as UndiciFormData } from 'undici';
import { cancellationOf, type HttpRequest, type SpeechHttp, throwIfCancelled } from '../index.ts';

/** A minute of 48 kHz sound is 6 MB; no chunk is as long as ten. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
/** To find out that nobody is there, ms. The time of the request itself is the caller's. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Shorter than the 5 s after which many servers hang up. */
const KEEP_ALIVE_MS = 4_000;

export interface OpenSpeechHttp {
  readonly http: SpeechHttp;
  readonly close: () => Promise<void>;
}

const bodyOf = ({ body }: HttpRequest): string | Uint8Array | UndiciFormData | null => {
  if (!(body instanceof FormData)) return body ?? null;
  const form = new UndiciFormData();
  for (const [name, value] of body.entries()) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, value.name);
  }
  return form;
};

const flat = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );

const tooLarge = (): TalebackError =>
  new TalebackError('provider_rejected', 'The answer of the speech service is too large.', {
    details: `more than ${MAX_ANSWER_BYTES} bytes`,
  });

const readWhole = async (body: AsyncIterable<Buffer>): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of body) {
      sizeBytes += part.byteLength;
      if (sizeBytes > MAX_ANSWER_BYTES) throw tooLarge();
      parts.push(part);
    }
  } catch (error) {
    if (isTalebackError(error) || (error as Error).name === 'AbortError') throw error;
    throw new TalebackError('audio_missing', 'The answer of the speech service broke off.', {
      details: `after ${sizeBytes} bytes: ${(error as Error).message}`,
      cause: error,
    });
  }
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
};

/** Requests to speech services, over connections that are kept between them. */
export const openSpeechHttp = (): OpenSpeechHttp => {
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // A model may think for longer than undici's own limits: whoever asks has a timeout.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  return {
    http: async (asked) => {
      const { signal } = asked;
      throwIfCancelled(signal);
      try {
        const answer = await request(asked.url, {
          method: asked.method,
          headers: asked.headers ?? {},
          body: bodyOf(asked),
          dispatcher: agent,
          ...(signal === undefined ? {} : { signal }),
        });
        const body = await readWhole(answer.body);
        return { status: answer.statusCode, headers: flat(answer.headers), body };
      } catch (error) {
        if (signal?.aborted === true) throw cancellationOf(signal);
        throw toTalebackError(error);
      }
    },
    close: () => agent.destroy(),
  };
};
