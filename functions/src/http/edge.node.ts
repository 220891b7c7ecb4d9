import type { IncomingMessage, RequestListener } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorWords, type Log } from '@taleback/core';
import { type LocalServer, refuseForeign } from '@taleback/outbox';
import type { Response as ExpressResponse } from 'express';
import type { Request as ExpressRequest } from 'firebase-functions/https';
import { type Answer, answerFault, answerMisconfigured, json } from './answer.ts';
import type { HttpRequest } from './call.ts';
import { headersOf, isUnread, send } from './gate.node.ts';
import type { Receiver } from './router.ts';

/** The receiver, and how many proxies in front of it append trusted entries to `X-Forwarded-For` (default 0). */
export interface Mount {
  readonly receiver: Receiver;
  readonly trustedProxyHops?: number;
}

/**
 * The path and the query of a request target, which may be a whole http(s) address, as proxies are sent. Neither is
 * tidied. The path of `*`, `host:port` and everything else that is no path is empty.
 * @see https://www.rfc-editor.org/rfc/rfc9112#name-request-target
 */
export const splitTarget = (target: string): Pick<HttpRequest, 'path' | 'search'> => {
  const local = target.startsWith('/') ? target : (/^https?:\/\/[^/?#]+(\/.*)$/is.exec(target)?.[1] ?? '');
  const query = local.indexOf('?');
  return query < 0
    ? { path: local, search: '' }
    : { path: local.slice(0, query), search: local.slice(query) };
};

/** The first 64 bits of an IPv6 address: what one household or one machine is assigned. */
const networkOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(address) !== 6) return address;
  const [left = '', right] = address.toLowerCase().split('%', 1).join('').split('::');
  const groups = left === '' ? [] : left.split(':');
  const missing = right === undefined ? 0 : 8 - groups.length - (right === '' ? 0 : right.split(':').length);
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(right ?? '').split(':')];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
};

/**
 * The caller's address, for rate limits. Each proxy appends the address that it was called from to `X-Forwarded-For`,
 * and a caller may have sent anything before that: only the last entries, those of our own proxies, are trusted.
 *
 * @param trustedHops our proxies in front, 0 for none
 * @returns an IPv4 address, or the network of an IPv6 address; the peer's where the header is too short
 */
export const callerAddress = (
  forwardedFor: string | null,
  peer: string | undefined,
  trustedHops: number,
): string => {
  const entry = trustedHops === 0 ? undefined : (forwardedFor ?? '').split(',').at(-trustedHops)?.trim();
  return networkOf(entry !== undefined && isIP(entry) !== 0 ? entry : (peer ?? ''));
};

/** Passes a request to the receiver. */
const answerTo = (
  incoming: IncomingMessage,
  target: string,
  body: HttpRequest['body'],
  { receiver, trustedProxyHops = 0 }: Mount,
): Promise<Answer> => {
  const headers = headersOf(incoming);
  const forwardedFor = headers.get('x-forwarded-for');
  const addressBefore = (hops: number): string =>
    callerAddress(forwardedFor, incoming.socket.remoteAddress, hops);
  const address = addressBefore(trustedProxyHops);
  const client = `${addressBefore(trustedProxyHops + 1)} via ${address}`;
  const { method = 'GET' } = incoming;
  return receiver({ method, ...splitTarget(target), headers, body }, address, client);
};

/** The receiver; undefined, and logged, where its configuration is wrong. */
const mounted = (mount: () => Mount, log: Log): Mount | undefined => {
  try {
    return mount();
  } catch (error) {
    log('error', 'receiver not configured', { fault: errorWords(error) });
    return undefined;
  }
};

/**
 * Mounts the receiver behind Cloud Functions' Express, which has read the body unless `installGate` kept it from that. A
 * fault is logged and answered 500: a rejection would end the instance.
 */
export const expressEdge =
  (mount: () => Mount, log: Log) =>
  async (request: ExpressRequest, response: ExpressResponse): Promise<void> => {
    const body = isUnread(request) ? request : (request.rawBody ?? Buffer.alloc(0));
    let answer: Answer;
    try {
      const ready = mounted(mount, log);
      const target = request.originalUrl || request.url || '/';
      answer = ready ? await answerTo(request, target, body, ready) : answerMisconfigured();
    } catch (error) {
      log('error', 'edge fault', { fault: errorWords(error) });
      answer = answerFault();
    }
    await send(answer, request, response);
  };

export interface NodeEdgeOptions extends Omit<Mount, 'receiver'> {
  /** Of a server of this machine only: pages of other sites and unknown hosts are refused. Default: everyone is served. */
  readonly local?: LocalServer | undefined;
}

/** Mounts the receiver on Node's own server. */
export const nodeEdge =
  (receiver: Receiver, { local, ...options }: NodeEdgeOptions = {}): RequestListener =>
  (incoming, outgoing) => {
    const answer = async (): Promise<Answer> => {
      const refusal = local && refuseForeign(incoming, local);
      if (refusal !== undefined) return json(refusal.status, { success: false, error: refusal.error });
      return answerTo(incoming, incoming.url ?? '/', incoming, { ...options, receiver });
    };
    answer()
      .catch(answerFault)
      .then((response) => send(response, incoming, outgoing))
      .catch(() => outgoing.destroy());
  };

/** Answers CONNECT, which Node's server reports apart from other requests: `server.on('connect', refuseConnect)`. */
export const refuseConnect = (_incoming: IncomingMessage, socket: Duplex): void => {
  socket.on('error', () => socket.destroy());
  socket.end(
    'HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD, POST\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
  );
};
