import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { DEFAULT_STORY_LIMITS, readNarration } from '@taleback/core';
import { signHmac, signStandard } from '@taleback/core/signatures';
import express from 'express';
import type { Request as FunctionRequest } from 'firebase-functions/https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCallerLimits } from '../src/http/call.ts';
import { expressEdge, nodeEdge, refuseConnect } from '../src/http/edge.node.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from '../src/http/router.ts';
import type { ApplyOutcome } from '../src/stories/documents.ts';

const KEY = Buffer.alloc(24, 1);
const APPLIED = {
  kind: 'decided',
  decision: 'applied',
  isWanted: true,
  narration: readNarration({}),
} as const;
const HMAC_SECRET = 'shared-with-the-python-handlers';
const BODY = '{"story_id":"s","r2_path":"p"}';
const BODY_TIMEOUT_MS = 300;

const opened: Server[] = [];
let outcome: ApplyOutcome = APPLIED;
let applied = 0;

const receiverOf = (more: Partial<ReceiverOptions> = {}): Receiver =>
  createReceiver({
    stories: {
      apply: async () => {
        applied += 1;
        return outcome;
      },
      ping: async () => true,
    },
    signatures: 'required',
    secrets: { standard: [KEY], hmac: [HMAC_SECRET] },
    generateSecrets: { standard: [Buffer.alloc(24, 2)], hmac: [] },
    hmacHeaderPrefix: 'taleback',
    processingLeaseMs: 1_000,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    generate: {
      stories: {
        apply: async () => outcome,
        open: async () => ({ kind: 'no-such-story' }),
      },
      queue: { publish: async () => {} },
      limits: DEFAULT_STORY_LIMITS,
      defaultVoice: 'slt',
      callbackUrl: 'https://tales.example/api/tts/callback',
      pendingLeaseMs: 1_000,
      newId: () => 'j',
      now: Date.now,
      log: () => {},
    },
    heartbeat: {
      keep: async () => {
        applied += 1;
        return { kind: 'kept', isNews: true };
      },
      log: () => {},
      now: Date.now,
    },
    now: Date.now,
    log: () => {},
    ...more,
  });

const listen = async (listener: RequestListener): Promise<number> => {
  const server = createServer(listener).on('connect', refuseConnect);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(server);
  return (server.address() as AddressInfo).port;
};

afterAll(() => {
  for (const server of opened) {
    server.closeAllConnections();
    server.close();
  }
});
afterEach(() => {
  applied = 0;
  outcome = APPLIED;
});

const throughExpress = (receiver: Receiver, trustedProxyHops: number): RequestListener => {
  const edge = expressEdge(
    () => ({ receiver, trustedProxyHops }),
    () => {},
  );
  return express().use((request, response, onFault) => {
    edge(Object.assign(request, { rawBody: Buffer.from(BODY) }) as FunctionRequest, response).catch(onFault);
  });
};

/** Everything that comes back for these bytes; the connection stays open until the server ends it. */
const raw = async (port: number, text: string, patienceMs = 60_000): Promise<string> => {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
};

const head = (line: string, headers = ''): string =>
  `${line}\r\nhost: a\r\nconnection: close\r\n${headers}\r\n`;
const allowOf = (answer: string): string | undefined => /\r\nallow: ([^\r]*)\r/i.exec(answer)?.[1];

describe.each([
  ['Node', (): RequestListener => nodeEdge(receiverOf())],
  ['Express', (): RequestListener => throughExpress(receiverOf(), 0)],
] as const)('behind %s', (_, open) => {
  let port: number;
  beforeAll(async () => {
    port = await listen(open());
  });

  const METHODS = ['TRACE', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'M-SEARCH', 'PURGE'];
  const ROUTES = ['callback', 'error-callback', 'progress', 'generate', 'heartbeat'];

  it.each(METHODS)('no route that writes takes %s', async (method) => {
    for (const route of ROUTES) {
      const answer = await raw(port, head(`${method} /api/tts/${route} HTTP/1.1`));
      expect(answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(allowOf(answer)).toBe('POST');
    }
  });

  it('health takes GET and HEAD', async () => {
    for (const method of ['TRACE', 'POST', 'DELETE', 'OPTIONS']) {
      const answer = await raw(port, head(`${method} /api/tts/health HTTP/1.1`));
      expect([answer.slice(0, 12), allowOf(answer)]).toEqual(['HTTP/1.1 405', 'GET, HEAD']);
    }
    expect(await raw(port, head('HEAD /api/tts/health HTTP/1.1'))).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n$/);
  });

  it('no one is connected through it', async () => {
    expect(await raw(port, 'CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 405 /,
    );
  });

  it.each([
    '//',
    '//evil.example/api/tts/callback',
    '/api/tts//callback',
    '/x/../api/tts/callback',
    '/api/tts/%2e%2e/tts/callback',
    '/api/tts/./callback',
    '/api/tts/%63allback',
    '/api%2Ftts%2Fcallback',
    '/api\\tts\\callback',
    '/api/tts/callback%00',
    '/api/tts/callback;x',
    '/api/tts/heartbeat/w1',
    '/api/tts/Heartbeat',
    '*',
    'http://',
    '/%',
    `/${'a'.repeat(8_000)}`,
  ])('nothing is served at %s', async (path) => {
    const answer = await raw(port, head(`POST ${path} HTTP/1.1`));
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(applied).toBe(0);
  });

  it('a whole address is taken by its path, as proxies write it', async () => {
    const answer = await raw(port, head('TRACE http://anywhere.example/api/tts/callback?a=1 HTTP/1.1'));
    expect([answer.slice(0, 12), allowOf(answer)]).toEqual(['HTTP/1.1 405', 'POST']);
  });

  it.each([
    ['one that is huge', `x-long: ${'x'.repeat(20_000)}\r\n`, 431],
    ['thousands', 'x-many: 1\r\n'.repeat(3_000), 431],
    ['two lengths that differ', 'content-length: 3\r\ncontent-length: 4\r\n', 400],
    ['a length and chunks', 'content-length: 3\r\ntransfer-encoding: chunked\r\n', 400],
    ['a length below nothing', 'content-length: -1\r\n', 400],
    ['a name with a space', 'x y: 1\r\n', 400],
  ])('of headers, %s is refused', async (_what, headers, status) => {
    const answer = await raw(port, head('POST /api/tts/callback HTTP/1.1', headers));
    expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
  });

  it('two content types are none', async () => {
    const types = 'content-type: application/json\r\ncontent-type: text/html\r\ncontent-length: 0\r\n';
    const answer = await raw(port, head('POST /api/tts/callback HTTP/1.1', types));
    expect(answer).toMatch(/^HTTP\/1\.1 4(?:01|15) /);
  });
});

describe('a body that does not come', () => {
  it.each([
    ['never', 'content-length: 100\r\n', '{'],
    ['in chunks that never end', 'transfer-encoding: chunked\r\n', '1\r\n{\r\n'],
  ])('%s is waited for only so long, and its connection closed', async (_, headers, body) => {
    const port = await listen(nodeEdge(receiverOf()));
    const line = 'POST /api/tts/callback HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
    const answer = await raw(port, `${line}${headers}\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*connection: close[^]*took too long/);
    expect(applied).toBe(0);
  });
});

let messages = 0;
const sign = (body = BODY, secret = KEY, id?: string): Record<string, string> => {
  messages += 1;
  const message = { id: id ?? `m${messages}`, timestampSeconds: Date.now() / 1000, body: Buffer.from(body) };
  return signStandard(message, [secret]);
};

const postTo = (port: number, headers: Record<string, string>, body = BODY): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/api/tts/callback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });

describe('what a 401 tells', () => {
  it('is the same to the byte, whatever was wrong', async () => {
    const port = await listen(nodeEdge(receiverOf()));
    const hmac = (path: string, timestampMs: number, secret = HMAC_SECRET): Record<string, string> =>
      signHmac({ method: 'POST', path, timestampMs, body: Buffer.from(BODY) }, secret, 'taleback');
    const wrong = [
      {},
      sign(`${BODY} `),
      sign(BODY, Buffer.alloc(24, 9)),
      { ...sign(), 'webhook-timestamp': '1' },
      { ...sign(), 'webhook-timestamp': 'x' },
      { 'webhook-id': 'm' },
      hmac('/api/tts/callback', 1),
      hmac('/api/tts/progress', Date.now()),
      hmac('/api/tts/callback', Date.now(), 'guess'),
      { 'x-taleback-signature': 'zz' },
    ];
    const answers = await Promise.all(
      wrong.map(async (headers) => {
        const answer = await postTo(port, headers);
        const { date: _, ...said } = Object.fromEntries(answer.headers);
        return JSON.stringify([answer.status, said, await answer.text()]);
      }),
    );
    expect(new Set(answers)).toHaveProperty('size', 1);
    expect(answers[0]).toMatch(/^\[401,/);
    expect(applied).toBe(0);
  });
});

describe('a signed message that is recorded and played again', () => {
  it('is answered as before, and carried out once', async () => {
    const port = await listen(nodeEdge(receiverOf()));
    const headers = sign();
    for (let time = 0; time < 5; time += 1) expect((await postTo(port, headers)).status).toBe(200);
    expect(applied).toBe(1);
  });

  it('does not work for another body, another id or another route', async () => {
    const port = await listen(nodeEdge(receiverOf()));
    const headers = sign();
    expect((await postTo(port, headers, `${BODY} `)).status).toBe(401);
    expect((await postTo(port, { ...headers, 'webhook-id': 'other' })).status).toBe(401);
  });

  it('is carried out when the first time did not end well', async () => {
    const port = await listen(nodeEdge(receiverOf()));
    const headers = sign();
    outcome = { kind: 'store-away', cause: 'UNAVAILABLE' };
    expect((await postTo(port, headers)).status).toBe(503);
    outcome = APPLIED;
    expect((await postTo(port, headers)).status).toBe(200);
    expect(applied).toBe(2);
  });
});

describe('a message id that comes again', () => {
  it('with another body that is signed as well is another message, which the state machine judges', async () => {
    const port = await listen(nodeEdge(receiverOf()));
    const other = '{"story_id":"s","r2_path":"q"}';
    expect((await postTo(port, sign(BODY, KEY, 'ready_s'))).status).toBe(200);
    expect((await postTo(port, sign(other, KEY, 'ready_s'), other)).status).toBe(200);
    expect(applied).toBe(2);
  });
});

const limited = (): Receiver =>
  receiverOf({
    callerLimits: createCallerLimits({ requestsPerSecond: 0.001, requestBurst: 2, refusalsPerMinute: 1 }),
  });

const statuses = async (port: number, forwarded: readonly string[]): Promise<number[]> => {
  const all: number[] = [];
  for (const address of forwarded) {
    all.push((await postTo(port, { ...sign(), 'x-forwarded-for': address })).status);
  }
  return all;
};

describe.each([
  ['Node', (receiver: Receiver, hops: number) => nodeEdge(receiver, { trustedProxyHops: hops })],
  ['Express', throughExpress],
] as const)('callers behind %s', (_, mount) => {
  it('are distinguished by what our own proxy wrote, and by nothing they wrote themselves', async () => {
    const port = await listen(mount(limited(), 1));
    expect(await statuses(port, ['1.1.1.1', '6.6.6.6, 1.1.1.1', '7.7.7.7, 1.1.1.1', '2.2.2.2'])).toEqual([
      200, 200, 429, 200,
    ]);
  });

  it('are one, without a proxy, whatever they write', async () => {
    const port = await listen(mount(limited(), 0));
    expect(await statuses(port, ['1.1.1.1', '2.2.2.2', '3.3.3.3'])).toEqual([200, 200, 429]);
  });
});
