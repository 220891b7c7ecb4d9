import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeEdge } from '@taleback/functions/src/http/edge.node.ts';
import { answerOf, coreWork, type Handle, plainWork, productReceiver, reportCpu } from './receiver-work.ts';

// One contestant of the receiver's benchmark on a server of its own: `node receiver-child.js NAME`.

const raw =
  (work: Handle): RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = work(request.headers, Buffer.concat(chunks));
      const answer = answerOf(status);
      response.writeHead(status, {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
        'content-length': Buffer.byteLength(answer),
      });
      response.end(answer);
    });
  };

const hono = async (): Promise<RequestListener> => {
  const [{ Hono }, { getRequestListener }] = await Promise.all([import('hono'), import('@hono/node-server')]);
  const app = new Hono().post('/api/tts/callback', async (context) => {
    const headers = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [
        name,
        context.req.header(name),
      ]),
    );
    const status = plainWork(headers, Buffer.from(await context.req.arrayBuffer()));
    return new Response(answerOf(status), { status, headers: { 'content-type': 'application/json' } });
  });
  const listener = getRequestListener(app.fetch);
  return (incoming, outgoing) => void listener(incoming, outgoing);
};

const express = async (): Promise<RequestListener> => {
  const { default: createApp } = await import('express');
  return createApp().post(
    '/api/tts/callback',
    createApp.raw({ type: 'application/json', limit: 262_144 }),
    (request, response) => {
      const status = plainWork(request.headers, request.body as Buffer);
      response.status(status).type('json').send(answerOf(status));
    },
  );
};

const CONTESTANTS = {
  ours: async () => nodeEdge(productReceiver()),
  core: async () => raw(coreWork),
  plain: async () => raw(plainWork),
  hono,
  express,
} as const satisfies Record<string, () => Promise<RequestListener>>;

export type NodeContestant = keyof typeof CONTESTANTS;

const server = createServer(await CONTESTANTS[process.argv[2] as NodeContestant]());
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
reportCpu();
