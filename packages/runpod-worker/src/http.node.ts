import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { Agent, request } from 'undici';
import type { HttpSend } from './platform.ts';

export interface RunpodHttp {
  readonly send: HttpSend;
  close(): Promise<void>;
}

/** Polls, pings, a stop poll and results that go out at once. */
const MAX_CONNECTIONS = 64;
const CONNECT_TIMEOUT_MS = 10_000;
/** Job inputs are 20 MB at most; this is what one may unfold to. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => Promise<Buffer>>> = {
  gzip: (bytes) => promisify(gunzip)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
  deflate: (bytes) => promisify(inflate)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
};

const first = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

/** Requests over pooled connections. The time limits are the caller's, who gives a signal: a poll may hang for long. */
export const createRunpodHttp = (): RunpodHttp => {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: MAX_BODY_BYTES,
  });
  return {
    send: async ({ method, url, headers, body, signal }) => {
      const answer = await request(url, {
        method,
        headers: { accept: '*/*', 'accept-encoding': 'gzip, deflate', ...headers },
        ...(body === undefined ? {} : { body }),
        dispatcher: agent,
        signal,
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      const decode = DECODERS[first(answer.headers['content-encoding'])?.trim().toLowerCase() ?? ''];
      const plain = decode === undefined || bytes.length === 0 ? bytes : await decode(bytes);
      return {
        status: answer.statusCode,
        contentType: (first(answer.headers['content-type']) ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
        retryAfter: first(answer.headers['retry-after']),
        body: plain.toString('utf8'),
      };
    },
    close: () => agent.destroy(),
  };
};
