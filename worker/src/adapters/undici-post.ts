import { Agent, request } from 'undici';
import type { Post } from '../callbacks/index.ts';

/** @see seed 001, `timeout=10` */
const TIMEOUT_MS = 10_000;
const MAX_EXCERPT_CHARACTERS = 300;
const MAX_CONNECTIONS = 16;

export interface UndiciPost {
  readonly post: Post;
  close(): Promise<void>;
}

/**
 * Posts over pooled connections. A redirect is an answer like any other: a signature covers one path only.
 *
 * @param timeoutMs time for one try, connection and answer together; default 10,000
 */
export const createUndiciPost = (timeoutMs: number = TIMEOUT_MS): UndiciPost => {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  return {
    post: async (url, headers, body, signal) => {
      const timeout = AbortSignal.timeout(timeoutMs);
      const answer = await request(url, {
        method: 'POST',
        headers,
        body,
        dispatcher: agent,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const text = await answer.body.text();
      const retryAfter = answer.headers['retry-after'];
      return {
        status: answer.statusCode,
        retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
        excerpt: text.slice(0, MAX_EXCERPT_CHARACTERS),
      };
    },
    close: () => agent.close(),
  };
};
