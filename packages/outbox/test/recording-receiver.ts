import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorded {
  readonly method: string;
  /** Path and query, as they came. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly json: Record<string, unknown>;
}

/** A status and headers, or anything else one can do to a caller. */
export type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly text?: string }
  | ((incoming: IncomingMessage, outgoing: ServerResponse) => void);

export interface RecordingReceiver {
  readonly url: string;
  readonly callbackUrl: string;
  readonly requests: readonly Recorded[];
  /** What came for the last word of a path, such as `progress`, in order. */
  readonly jsonFor: (lastSegment: string) => readonly Record<string, unknown>[];
  close(): Promise<void>;
}

const parse = (body: Buffer): Record<string, unknown> => {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
};

/**
 * A receiver of callbacks that keeps what it is sent.
 *
 * @param replyTo chooses the reply to a request, given its number, 1-based; default 200 to all
 */
export const openRecordingReceiver = async (
  replyTo: (recorded: Recorded, count: number) => Reply = () => ({ status: 200 }),
): Promise<RecordingReceiver> => {
  const requests: Recorded[] = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray());
    const headers = new Headers(incoming.headers as Record<string, string>);
    const recorded = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers,
      body,
      json: parse(body),
    };
    requests.push(recorded);
    const reply = replyTo(recorded, requests.length);
    if (typeof reply === 'function') return reply(incoming, outgoing);
    outgoing.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    outgoing.end(reply.text ?? '{"success":true}');
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    callbackUrl: `${url}/api/tts/callback`,
    requests,
    jsonFor: (lastSegment) =>
      requests
        .filter(({ path }) => new URL(path, url).pathname.endsWith(`/${lastSegment}`))
        .map(({ json }) => json),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
