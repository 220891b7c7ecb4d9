import type { Request as ExpressRequest } from 'firebase-functions/https';
import type { Response as ExpressResponse } from 'express';
import { answerFault, type Log, type Receiver } from '../receive/index.ts';

const headersOf = (raw: NodeJS.Dict<string | string[]>): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined) headers.append(name, item);
  }
  return headers;
};

/** The web-standard request that an Express request stands for, with the body as it came over the wire. */
export const toRequest = (request: ExpressRequest): Request => {
  const url = new URL(request.originalUrl || request.url || '/', 'http://functions.local');
  const carriesBody = request.method !== 'GET' && request.method !== 'HEAD';
  return new Request(url, {
    method: request.method,
    headers: headersOf(request.headers),
    body: carriesBody ? new Uint8Array(request.rawBody ?? Buffer.alloc(0)) : null,
  });
};

/**
 * Mounts the receiver behind Cloud Functions' Express. A request that no `Request` can stand for, or a receiver that
 * cannot be made, is a fault that is logged: a rejection would end the instance.
 */
export const expressEdge =
  (receiver: () => Receiver, log: Log) =>
  async (request: ExpressRequest, response: ExpressResponse): Promise<void> => {
    let answer: Response;
    try {
      answer = await receiver()(toRequest(request));
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
