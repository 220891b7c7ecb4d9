import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { answerFault, type Receiver, refuseTarget } from '../receive/index.ts';
import { callerAddress } from './caller-address.ts';
import { isForbiddenMethod, parseTarget } from './request-target.ts';

export interface NodeEdgeOptions {
  /** Proxies in front whose entries in `X-Forwarded-For` are believed. Default 0: the peer is the caller. */
  readonly trustedProxyHops?: number;
}

const toRequest = (incoming: IncomingMessage, url: URL): Request => {
  const carriesBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const headers = new Headers();
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '');
  }
  return new Request(url, {
    method: incoming.method ?? 'GET',
    headers,
    ...(carriesBody
      ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: 'half' as const }
      : {}),
  });
};

const send = async (answer: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  const body = Buffer.from(await answer.arrayBuffer());
  outgoing.writeHead(answer.status, {
    ...Object.fromEntries(answer.headers),
    'content-length': body.byteLength,
    // A body that was refused unread would be taken for the next request.
    ...(incoming.complete ? {} : { connection: 'close' }),
  });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
};

/** Mounts the receiver on Node's own server: for tests, and wherever the framework is not wanted. */
export const nodeEdge = (receiver: Receiver, options: NodeEdgeOptions = {}): RequestListener => {
  const answerTo = async (incoming: IncomingMessage): Promise<Response> => {
    const url = parseTarget(incoming.url ?? '/');
    if (url === undefined || isForbiddenMethod(incoming.method ?? '')) return refuseTarget(url?.pathname);
    const forwardedFor = [incoming.headers['x-forwarded-for'] ?? ''].flat().join(',');
    const hops = options.trustedProxyHops ?? 0;
    const address = callerAddress(forwardedFor, incoming.socket.remoteAddress, hops);
    return receiver(toRequest(incoming, url), address);
  };
  return (incoming, outgoing) => {
    const respond = async (): Promise<void> => {
      const answer = await answerTo(incoming).catch(answerFault);
      await send(answer, incoming, outgoing);
    };
    respond().catch(() => outgoing.destroy());
  };
};

/** Answers CONNECT, which Node's server hands out beside all other requests: `server.on('connect', refuseConnect)`. */
export const refuseConnect = (_incoming: IncomingMessage, socket: Duplex): void => {
  socket.on('error', () => socket.destroy());
  socket.end(
    'HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD, POST\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
  );
};
