import { readNarration } from '@taleback/core';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { signHmac } from '@taleback/core/signatures';
import express from 'express';
import type { Request as FunctionRequest } from 'firebase-functions/https';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { expressEdge, nodeEdge } from '../src/http/edge.node.ts';
import { createReceiver, type Receiver } from '../src/http/router.ts';
import type { MessageTarget } from '../src/stories/documents.ts';

const APPLIED = {
  kind: 'decided',
  decision: 'applied',
  isWanted: true,
  narration: readNarration({}),
} as const;
const HMAC_SECRET = 'shared-with-the-python-handlers';
const OK = '{"success":true}';

const applied: MessageTarget[] = [];
const logged: object[] = [];

/** The real receiver over a store that keeps what it was told. */
const receiver: Receiver = createReceiver({
  stories: {
    apply: async (target) => {
      if (target.storyId === 'fault') throw new Error('a fault in /srv/secret/place.ts');
      applied.push(target);
      return APPLIED;
    },
    ping: async () => true,
  },
  signatures: 'required',
  secrets: { standard: [], hmac: [HMAC_SECRET] },
  hmacHeaderPrefix: 'taleback',
  processingLeaseMs: 1_000,
  now: Date.now,
  log: () => {},
});

const keepRaw = (request: IncomingMessage, _: unknown, body: Buffer): void => {
  Object.assign(request, { rawBody: body });
};

/** Express as Cloud Functions sets it up: bodies are parsed first, and kept raw. */
const likeCloudFunctions = (wiring: () => Receiver): RequestListener => {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '32mb', verify: keepRaw }));
  app.use(express.text({ limit: '32mb', verify: keepRaw, type: 'text/*' }));
  app.use(express.raw({ limit: '32mb', verify: keepRaw, type: '*/*' }));
  const edge = expressEdge(
    () => ({ receiver: wiring(), trustedProxyHops: 0 }),
    (severity, message, fields) => void logged.push({ severity, message, fields }),
  );
  app.use((request, response, onFault) => {
    edge(request as FunctionRequest, response).catch(onFault);
  });
  return app;
};

const listen = async (listener: RequestListener): Promise<{ server: Server; port: number }> => {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
};

const sign = (body: string | Uint8Array, path = '/api/tts/callback'): Record<string, string> =>
  signHmac(
    { method: 'POST', path, timestampMs: Date.now(), body: Buffer.from(body as string) },
    HMAC_SECRET,
    'taleback',
  );

const headOf = (headers: Record<string, string>): string =>
  Object.entries(headers)
    .map(([header, value]) => `${header}: ${value}`)
    .join('\r\n');

describe.each([
  ['Node', () => nodeEdge(receiver)],
  ['Express', () => likeCloudFunctions(() => receiver)],
] as const)('the receiver behind %s', (_, open) => {
  let server: Server;
  let port: number;
  const environment = process.env['NODE_ENV'];
  beforeAll(async () => {
    process.env['NODE_ENV'] = 'production';
    vi.spyOn(console, 'error').mockReturnValue(); // Express tells its operator of what it refuses
    ({ server, port } = await listen(open()));
  });
  afterAll(async () => {
    process.env['NODE_ENV'] = environment;
    vi.restoreAllMocks();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  beforeEach(() => {
    applied.length = 0;
  });

  const url = (path: string): string => `http://127.0.0.1:${port}${path}`;
  const post = (
    body: string | Uint8Array,
    headers: Record<string, string> = {},
    path = '/api/tts/callback',
  ) =>
    fetch(url(path), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...sign(body, path.split('?')[0]), ...headers },
      body: body as string,
    });
  /** A request as it stands, past every client that would tidy it. */
  const raw = async (head: string, body = ''): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`${head}\r\nhost: a\r\nconnection: close\r\n\r\n${body}`);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    return Buffer.concat(chunks).toString('latin1');
  };

  it.each([
    '{"story_id":"s","r2_path":"p","voice_name":"Großmütterchen 🧶"}',
    ' {\n"story_id" : "s",\t"r2_path":"p" } ',
    '{"story_id":"s","story_id":"s","r2_path":"\\u00fc","n":1.0}',
  ])('verifies the bytes as they came over the wire: %s', async (body) => {
    const answer = await post(body);
    expect([answer.status, await answer.text()]).toEqual([200, OK]);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('content-length')).toBe(String(OK.length));
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(applied).toMatchObject([{ storyId: 's', jobId: undefined }]);
  });

  it('takes the path with a query, and a JSON type with a charset or a suffix', async () => {
    const body = '{"story_id":"s","r2_path":"p"}';
    expect((await post(body, {}, '/api/tts/callback?a=1&b=%2f')).status).toBe(200);
    expect((await post(body, {}, '/callback')).status).toBe(200);
    for (const type of [
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/cloudevents+json',
    ]) {
      expect((await post(body, { 'content-type': type })).status).toBe(200);
    }
  });

  it('answers broken JSON with 400, without a stack or a path', async () => {
    const answer = await post('{"story_id": ');
    const text = await answer.text();
    expect(answer.status).toBe(400);
    expect(text).not.toMatch(/node_modules|\.[jt]s\b|\bat .+:\d+/);
    expect(text).not.toContain(process.cwd());
  });

  it.each([
    ['no body', '', 400],
    ['an array', '[]', 422],
  ])('refuses %s in words of JSON', async (_, body, status) => {
    const answer = await post(body);
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { success: false, error: expect.stringMatching(/^body: /) },
    ]);
    expect(applied).toEqual([]);
  });

  it.each(['7', 'null', '"text"', 'true'])('refuses the lone value %s', async (body) => {
    // Express by itself takes only objects and arrays for JSON.
    expect([400, 422]).toContain((await post(body)).status);
    expect(applied).toEqual([]);
  });

  it('answers a POST without any body and without a length', async () => {
    const head = `POST /api/tts/callback HTTP/1.1\r\ncontent-type: application/json\r\n${headOf(sign(''))}`;
    expect(await raw(head)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('refuses a body that is too large, and goes on serving', async () => {
    const answer = await post(`{"story_id":"s","r2_path":"${'x'.repeat(300_000)}"}`);
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { success: false, error: 'body: must be at most 262144 bytes' },
    ]);
    expect((await post('{"story_id":"s","r2_path":"p"}')).status).toBe(200);
  });

  it('takes a signature for nothing when it comes twice and differs', async () => {
    const body = '{"story_id":"s","r2_path":"p"}';
    const length = `content-type: application/json\r\ncontent-length: ${body.length}`;
    const signature = headOf(sign(body));
    const twice = `${signature}\r\nx-taleback-signature: ${'0'.repeat(64)}`;
    const first = 'POST /api/tts/callback HTTP/1.1';
    expect(await raw(`${first}\r\n${length}\r\n${signature}`, body)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(`${first}\r\n${length}\r\n${twice}`, body)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('answers health to GET and HEAD, and 405 to the rest', async () => {
    const get = await fetch(url('/api/tts/health'));
    expect([get.status, await get.json()]).toEqual([200, { success: true, status: 'ok' }]);
    const head = await fetch(url('/api/tts/health'), { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(url('/api/tts/health'), { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('takes no callback by %s', async (method) => {
    const answer = await fetch(url('/api/tts/callback'), { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it.each(['/', '/api/tts', '/api/tts/nothing', '/favicon.ico', '/%', '/api/tts/%ff'])(
    'has nothing at %s',
    async (path) => {
      const answer = await fetch(url(path));
      expect([answer.status, await answer.json()]).toEqual([
        404,
        { success: false, error: 'path: nothing is served here' },
      ]);
    },
  );

  it('keeps a fault of ours to itself', async () => {
    const answer = await post('{"story_id":"fault","r2_path":"p"}');
    expect([answer.status, await answer.json()]).toEqual([500, { success: false, error: 'internal error' }]);
  });

  it.each(['GET //', 'POST //', 'GET //[', 'TRACE /api/tts/callback', 'GET *'])(
    'is not ended by "%s"',
    async (line) => {
      const answer = await raw(`${line} HTTP/1.1`);
      expect(answer).toMatch(/^HTTP\/1\.1 [45]\d\d /);
      expect(answer).not.toMatch(/node_modules|\bat .+:\d+/);
      expect((await fetch(url('/api/tts/health'))).status).toBe(200);
    },
  );

  it('is not held up by a caller who goes away in the middle of a body', async () => {
    const accepting = once(server, 'connection') as Promise<[Socket]>;
    const socket = connect(port, '127.0.0.1');
    const head = 'POST /api/tts/callback HTTP/1.1\r\nhost: a\r\ncontent-type: application/json';
    socket.write(`${head}\r\ncontent-length: 100\r\n\r\n{`);
    const [accepted] = await accepting;
    socket.destroy();
    await once(accepted, 'close');
    expect((await post('{"story_id":"s","r2_path":"p"}')).status).toBe(200);
  });
});

const misconfigured = (): Receiver => {
  throw new Error('configuration: CALLBACK_SECRETS: is needed unless CALLBACK_SIGNATURES is "off"');
};

describe('the receiver of a deployment that is configured wrongly', () => {
  it('tells its log why, and its callers nothing', async () => {
    const { server, port } = await listen(likeCloudFunctions(misconfigured));
    const answer = await fetch(`http://127.0.0.1:${port}/api/tts/health`);
    expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
      503,
      '5',
      { success: false, error: 'the receiver is not configured; its log says why' },
    ]);
    expect(logged.at(-1)).toMatchObject({
      severity: 'error',
      fields: { fault: expect.stringContaining('CALLBACK_SECRETS') },
    });
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
});
