import type { Response as ExpressResponse } from 'express';
import type { Request as ExpressRequest } from 'firebase-functions/https';
import { answerFault, type Log, type Receiver, refuseTarget } from '../receive/index.ts';
import { callerAddress } from './caller-address.ts';
import { isForbiddenMethod, parseTarget } from './request-target.ts';

/** The receiver, and what only the deployment knows of the way to it. */
export interface Mount {
  readonly receiver: Receiver;
  /** Proxies in front whose entries in `X-Forwarded-For` are believed. */
  readonly trustedProxyHops: number;
}

const headersOf = (raw: NodeJS.Dict<string | string[]>): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined) headers.append(name, item);
  }
  return headers;
};

/** The web-standard request that an Express request stands for, with the body as it came over the wire. */
const toRequest = (request: ExpressRequest, url: URL): Request => {
  const carriesBody = request.method !== 'GET' && request.method !== 'HEAD';
  return new Request(url, {
    method: request.method,
    headers: headersOf(request.headers),
    body: carriesBody ? new Uint8Array(request.rawBody ?? Buffer.alloc(0)) : null,
  });
};

const answerTo = async (
  request: ExpressRequest,
  { receiver, trustedProxyHops }: Mount,
): Promise<Response> => {
  const url = parseTarget(request.originalUrl || request.url || '/');
  if (url === undefined || isForbiddenMethod(request.method)) return refuseTarget(url?.pathname);
  const forwardedFor = [request.headers['x-forwarded-for'] ?? ''].flat().join(',');
  const address = callerAddress(forwardedFor, request.socket.remoteAddress, trustedProxyHops);
  return receiver(toRequest(request, url), address);
};

/**
 * Mounts the receiver behind Cloud Functions' Express. A request that no `Request` can stand for, or a receiver that
 * cannot be made, is a fault that is logged: a rejection would end the instance.
 */
export const expressEdge =
  (mount: () => Mount, log: Log) =>
  async (request: ExpressRequest, response: ExpressResponse): Promise<void> => {
    let answer: Response;
    try {
      answer = await answerTo(request, mount());
    } catch (error) {
      log('error', 'edge fault', { fault: error instanceof Error ? error.message : String(error) });
      answer = answerFault();
    }
    response.status(answer.status);
    answer.headers.forEach((value, name) => {
      response.setHeader(name, value);
    });
    response.send(request.method === 'HEAD' ? '' : Buffer.from(await answer.arrayBuffer()));
  };
