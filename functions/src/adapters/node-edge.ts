import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { answerFault, type Receiver } from '../receive/index.ts';

const toRequest = (incoming: IncomingMessage): Request => {
  const carriesBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const headers = new Headers();
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '');
  }
  return new Request(new URL(incoming.url ?? '/', 'http://receiver.local'), {
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
export const nodeEdge =
  (receiver: Receiver): RequestListener =>
  (incoming, outgoing) => {
    const respond = async (): Promise<void> => {
      let answer: Response;
      try {
        answer = await receiver(toRequest(incoming));
      } catch {
        answer = answerFault();
      }
      await send(answer, incoming, outgoing);
    };
    respond().catch(() => outgoing.destroy());
  };
