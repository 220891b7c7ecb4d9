import { inspect } from 'node:util';
import { TalebackError, toTalebackError } from '@taleback/core';
import { parseServiceAddress } from '../remote/service-address.ts';
import { readRefusal } from '../remote/service-refusal.ts';
import type { HttpAnswer, SpeechHttp } from '../remote/speech-http.ts';
import { faultOf, isTooMany } from './elevenlabs-fault.ts';
import { type ConcurrencyWords, RequestGate } from './request-gate.ts';

export interface ElevenlabsClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly http: SpeechHttp;
  /** Requests out at once as long as the service has not said how many it takes. */
  readonly initialConcurrency: number;
}

export interface ElevenlabsCall {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal | undefined;
}

export interface ElevenlabsClient {
  /** The base address without credentials. */
  readonly endpoint: string;
  readonly concurrency: () => number;
  /** An answer with the status 200. @throws TalebackError any other answer, and what `http` throws. */
  readonly ask: (call: ElevenlabsCall) => Promise<HttpAnswer>;
  /** The same for speech, which is what the account may have so many of at once: the others wait. */
  readonly speak: (call: ElevenlabsCall) => Promise<HttpAnswer>;
}

const countOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,6}$/u.test(header.trim()) ? Number(header) : undefined;

const wordsOf = ({ headers }: HttpAnswer): ConcurrencyWords => {
  const maximum = countOf(headers['maximum-concurrent-requests']);
  return {
    maximum: maximum === 0 ? undefined : maximum,
    current: countOf(headers['current-concurrent-requests']),
  };
};

/**
 * Calls of the API, signed with the key, which appears nowhere else: a service that repeats it, or an error that holds
 * it, is cleaned before anybody sees it.
 *
 * @throws TalebackError `credentials_invalid` when the key cannot stand in a header, `request_invalid` for the address.
 */
export const createElevenlabsClient = (options: ElevenlabsClientOptions): ElevenlabsClient => {
  const { baseUrl, apiKey, http, initialConcurrency } = options;
  if (!/^[\x21-\x7e]+$/u.test(apiKey)) {
    throw new TalebackError('credentials_invalid', 'The ElevenLabs key is empty or holds what no key holds.');
  }
  const { endpoint } = parseServiceAddress(baseUrl);
  const gate = new RequestGate(initialConcurrency);

  const redact = (text: string): string => text.replaceAll(apiKey, '[redacted]');
  /** Errors of others may hold the request. */
  const cleaned = (thrown: unknown): TalebackError => {
    const error = toTalebackError(thrown);
    if (!inspect(error, { depth: 8 }).includes(apiKey)) return error;
    return new TalebackError(error.code, redact(error.message), {
      retryable: error.retryable,
      ...(error.details === undefined ? {} : { details: redact(error.details) }),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  };

  const send = async ({ method, path, body, signal }: ElevenlabsCall): Promise<HttpAnswer> => {
    try {
      return await http({
        method,
        url: endpoint + path,
        headers: {
          'xi-api-key': apiKey,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
    } catch (error) {
      throw cleaned(error);
    }
  };

  return {
    endpoint,
    concurrency: () => gate.limit,
    ask: async (call) => {
      const answer = await send(call);
      if (answer.status === 200) return answer;
      throw faultOf(readRefusal(answer), [apiKey]);
    },
    speak: async (call) => {
      const pass = await gate.enter(call.signal);
      try {
        const answer = await send(call);
        if (answer.status === 200) {
          gate.granted(wordsOf(answer), pass);
          return answer;
        }
        const refusal = readRefusal(answer);
        if (isTooMany(refusal)) gate.refused(wordsOf(answer), pass);
        throw faultOf(refusal, [apiKey]);
      } finally {
        pass.leave();
      }
    },
  };
};
