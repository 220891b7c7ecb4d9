import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type LocalRunpod,
  type RunpodContext,
  type RunpodHandler,
  type ServeRunpodLocallyOptions,
  serveRunpodLocally,
} from '../src/local/serve-locally.node.ts';
import { createGate } from './gate.ts';

interface Received {
  readonly url: string | undefined;
  readonly json: Readonly<Record<string, unknown>>;
}

let clock: FakeClock;
let endpoint: LocalRunpod | undefined;
let receiver: Server;
let webhook: string;
let received: Received[];
let receiverAnswers: number[];

beforeEach(async () => {
  clock = createFakeClock(1_000_000);
  received = [];
  receiverAnswers = [];
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      received.push({ url: request.url, json: JSON.parse(body) });
      response.writeHead(receiverAnswers.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  webhook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterEach(async () => {
  await endpoint?.close();
  endpoint = undefined;
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

const serve = async (handler: RunpodHandler, options: ServeRunpodLocallyOptions = {}): Promise<void> => {
  endpoint = await serveRunpodLocally(handler, {
    clock,
    log: () => {},
    allowPrivateWebhooks: true,
    ...options,
  });
};

const call = async (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; json: Record<string, unknown> }> => {
  const answer = await fetch(`${endpoint?.url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
};

const run = async (submission: object): Promise<string> => {
  const { json } = await call('POST', '/run', submission);
  return String(json['id']);
};
const statusOf = async (id: string): Promise<Record<string, unknown>> =>
  (await call('GET', `/status/${id}`)).json;
const until = (assertion: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 2 });
const untilStatus = (id: string, status: string): Promise<void> =>
  until(async () => expect(await statusOf(id)).toMatchObject({ status }));

/** A handler that ends when a test says so, and remembers what it served. */
const gated = (): {
  handler: RunpodHandler;
  open: (value: unknown) => void;
  begun: string[];
  aborted: string[];
} => {
  const begun: string[] = [];
  const aborted: string[] = [];
  const waiting: ((value: unknown) => void)[] = [];
  return {
    handler: (job, { signal }) => {
      begun.push(job.id);
      signal.addEventListener('abort', () => aborted.push((signal.reason as Error).message));
      return new Promise((resolve, reject) => {
        waiting.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
    open: (value) => waiting.shift()?.(value),
    begun,
    aborted,
  };
};

describe('/run and /status', () => {
  it('runs the job at once and answers in the cloud’s envelope', async () => {
    const { handler, open, begun } = gated();
    await serve(handler);
    const submitted = await call('POST', '/run', { input: { text: 'x' } });
    expect(submitted).toEqual({
      status: 200,
      json: { id: expect.stringMatching(/-u1$/), status: 'IN_QUEUE' },
    });
    const id = String(submitted.json['id']);
    await untilStatus(id, 'IN_PROGRESS');
    expect(begun).toEqual([id]);
    await clock.advanceAsync(150);
    open({ ok: 1 });
    await untilStatus(id, 'COMPLETED');
    expect(await statusOf(id)).toEqual({
      delayTime: 0,
      executionTime: 150,
      id,
      output: { ok: 1 },
      status: 'COMPLETED',
      workerId: 'local',
    });
    expect((await call('POST', `/v2/any/status/${id}`)).json).toMatchObject({ status: 'COMPLETED' });
  });

  it('keeps to its concurrency; what waits is IN_QUEUE', async () => {
    const { handler, open, begun } = gated();
    await serve(handler, { concurrency: 1 });
    const [first, second] = [await run({ input: {} }), await run({ input: {} })];
    expect(await statusOf(second)).toEqual({ id: second, status: 'IN_QUEUE' });
    expect((await call('GET', '/health')).json).toEqual({
      jobs: { completed: 0, failed: 0, inProgress: 1, inQueue: 1, retried: 0 },
      workers: { idle: 0, initializing: 0, ready: 1, running: 1, throttled: 0 },
    });
    open(1);
    await untilStatus(second, 'IN_PROGRESS');
    expect(begun).toEqual([first, second]);
  });

  it.each([
    [
      'throws',
      () => Promise.reject(new Error('no voice')),
      /^\{"error_type":"Error","error_message":"no voice"/,
    ],
    ['returns an error', () => ({ error: { code: 7 } }), /^\{"code":7\}$/],
    ['returns what cannot be written', () => 1n, /^The result cannot be written as JSON/],
    ['returns too much', () => 'x'.repeat(21 * 2 ** 20), /^The result is too large/],
  ])('a handler that %s is FAILED, with words', async (_, handler, words) => {
    await serve(handler);
    const id = await run({ input: {} });
    await untilStatus(id, 'FAILED');
    const status = await statusOf(id);
    expect(status['error']).toMatch(words);
    expect(status).not.toHaveProperty('output');
  });

  it('shows progress as output, and none after the end', async () => {
    const contexts: RunpodContext[] = [];
    const end = createGate();
    const progress = (value: unknown): void => contexts[0]?.progress(value);
    await serve((_, context) => {
      contexts.push(context);
      return end.promise;
    });
    const id = await run({ input: {} });
    await untilStatus(id, 'IN_PROGRESS');
    progress({ pct: 50 });
    expect(await statusOf(id)).toMatchObject({ output: { pct: 50 } });
    end.open();
    await untilStatus(id, 'COMPLETED');
    progress({ pct: 99 });
    expect(await statusOf(id)).toMatchObject({ status: 'COMPLETED', output: null });
  });

  it.each([
    ['{"input":', 'the body is not JSON'],
    ['{}', 'input: '],
    ['{"input":"text"}', 'input: '],
    ['{"input":{},"webhook":"ftp://x"}', 'webhook: must be an http or https address'],
    ['{"input":{},"policy":{"ttl":-1}}', 'policy.ttl: '],
  ])('refuses %s', async (body, fault) => {
    await serve(() => 1);
    const answer = await call('POST', '/run', body);
    expect(answer.status).toBe(400);
    expect(answer.json['error']).toContain(fault);
  });

  it('takes 10 MB for /run and 20 for /runsync', async () => {
    await serve(() => 1);
    const input = { text: 'x'.repeat(11 * 2 ** 20) };
    expect((await call('POST', '/run', { input })).status).toBe(413);
    expect((await call('POST', '/runsync', { input })).json).toMatchObject({ status: 'COMPLETED' });
    expect((await call('POST', '/runsync', { input: { text: 'x'.repeat(21 * 2 ** 20) } })).status).toBe(413);
  });

  it('knows nothing else', async () => {
    await serve(() => 1);
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/run'],
      ['GET', '/status/none'],
      ['GET', '/status'],
      ['POST', '/cancel/none'],
      ['POST', '/retry/none'],
    ] as const) {
      expect((await call(method, path)).status).toBe(404);
    }
  });
});

describe('/runsync', () => {
  it('answers with the result, or after its wait with how the job stands', async () => {
    const { handler, open } = gated();
    await serve(handler);
    const waiting = call('POST', '/runsync?wait=5000', { input: {} });
    await until(() => expect(endpoint?.jobs()).toMatchObject([{ status: 'IN_PROGRESS' }]));
    await clock.advanceAsync(5_000);
    const { json } = await waiting;
    expect(json).toMatchObject({ status: 'IN_PROGRESS', id: expect.stringMatching(/^sync-/) });
    const again = call('GET', `/status-sync/${String(json['id'])}`);
    open('done');
    expect((await again).json).toMatchObject({ status: 'COMPLETED', output: 'done' });
  });
});

describe('/stream', () => {
  it('gives each chunk once, and all of them in the output', async () => {
    await serve(async function* () {
      yield 1;
      yield { b: 2 };
    });
    const id = await run({ input: {} });
    await untilStatus(id, 'COMPLETED');
    const stream = [{ output: 1 }, { output: { b: 2 } }];
    expect((await call('GET', `/stream/${id}`)).json).toEqual({ status: 'COMPLETED', stream });
    expect((await call('POST', `/stream/${id}`)).json).toEqual({ status: 'COMPLETED', stream: [] });
    expect(await statusOf(id)).toMatchObject({ output: [1, { b: 2 }] });
  });
});

describe('/cancel, /retry, /purge-queue', () => {
  it('reaches the handler’s signal; a late result changes nothing', async () => {
    const { handler, aborted } = gated();
    await serve(handler);
    const id = await run({ input: {}, webhook });
    await untilStatus(id, 'IN_PROGRESS');
    expect((await call('POST', `/cancel/${id}`)).json).toEqual({ id, status: 'CANCELLED' });
    expect(aborted).toEqual(['The job was cancelled.']);
    await until(() => expect(received).toMatchObject([{ json: { id, status: 'CANCELLED' } }]));
    expect((await call('POST', `/cancel/${id}`)).json).toEqual({ id, status: 'CANCELLED' });
    expect(await statusOf(id)).toMatchObject({ status: 'CANCELLED' });
    expect((await call('POST', `/retry/${id}`)).status).toBe(400);
  });

  it('tries a failed job again under its id, without its former output', async () => {
    let runs = 0;
    await serve(() => {
      runs += 1;
      return runs === 1 ? { error: 'once', detail: 'x' } : { ok: true };
    });
    const id = await run({ input: {}, webhook });
    await untilStatus(id, 'FAILED');
    expect((await call('POST', `/retry/${id}`)).json).toEqual({ id, status: 'IN_QUEUE' });
    await untilStatus(id, 'COMPLETED');
    expect(await statusOf(id)).toMatchObject({ output: { ok: true }, retries: 1 });
    expect(await statusOf(id)).not.toHaveProperty('error');
    await until(() => expect(received.map(({ json }) => json['status'])).toEqual(['FAILED', 'COMPLETED']));
  });

  it('takes out what waits', async () => {
    const { handler } = gated();
    await serve(handler);
    await run({ input: {} });
    const waiting = await run({ input: {} });
    expect((await call('POST', '/purge-queue')).json).toEqual({ removed: 1, status: 'completed' });
    expect((await call('GET', `/status/${waiting}`)).status).toBe(404);
  });
});

describe('webhooks', () => {
  it.each([
    ['COMPLETED', () => ({ ok: 1 }), { output: { ok: 1 } }],
    ['FAILED', () => ({ error: 'e1' }), { error: 'e1' }],
  ])('fire on %s with the status, the input and their own address', async (status, handler, result) => {
    await serve(handler);
    const id = await run({ input: { text: 'x' }, webhook: `${webhook}?token=t` });
    await until(() => expect(received).toHaveLength(1));
    expect(received[0]).toEqual({
      url: '/hook?token=t',
      json: {
        ...result,
        delayTime: 0,
        executionTime: 0,
        id,
        input: { text: 'x' },
        status,
        webhook: `${webhook}?token=t`,
        workerId: 'local',
      },
    });
  });

  it('are sent three times at most, ten seconds apart, until they meet a 200', async () => {
    receiverAnswers.push(500, 204, 500);
    await serve(() => 1);
    await run({ input: {}, webhook });
    for (const count of [1, 2, 3]) {
      await until(() => expect(received).toHaveLength(count));
      // The answer has to arrive before the next wait begins.
      await until(async () => {
        await clock.settle();
        expect(clock.pendingTimers).toBe(count === 3 ? 1 : 2);
      });
      await clock.advanceAsync(9_999);
      expect(received).toHaveLength(count);
      await clock.advanceAsync(1);
    }
    expect(received).toHaveLength(3);
  });
});

/** Posts a job with these headers and no others; its status. */
const postRaw = async (path: string, headers: Record<string, string>): Promise<number | undefined> => {
  const sent = request(`${endpoint?.url}${path}`, { method: 'POST', headers });
  const [answer] = (await once(sent.end('{"input":{}}'), 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
};

describe('web pages', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };

  it.each([
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/json-evil' }, 415],
    [{}, 415],
    [{ ...JSON_TYPE, origin: 'https://evil.example' }, 403],
    [{ ...JSON_TYPE, origin: 'null' }, 403],
    [{ ...JSON_TYPE, host: 'rebound.example' }, 403],
  ])('run no job, with %j', async (headers, status) => {
    await serve(() => 1);
    for (const path of ['/run', '/runsync', '/purge-queue', '/v2/any/run'])
      expect(await postRaw(path, headers)).toBe(status);
    expect(endpoint?.jobs()).toEqual([]);
  });

  it('are distinguished from RunPod’s own clients, which send JSON and a key', async () => {
    await serve(() => 1, { names: ['endpoint'] });
    const client = { ...JSON_TYPE, authorization: 'Bearer any' };
    expect(await postRaw('/v2/any/runsync', client)).toBe(200);
    expect(await postRaw('/v2/any/runsync', { ...client, host: 'endpoint:8000' })).toBe(200);
    // The clients of some languages send no body here, and then no type.
    expect((await call('POST', '/purge-queue')).status).toBe(200);
  });
});

describe('the address of a webhook', () => {
  it('is a public one, unless private ones are allowed', async () => {
    const lines: unknown[] = [];
    await serve(() => 1, { allowPrivateWebhooks: false, log: (...line) => void lines.push(line) });
    await run({ input: {}, webhook });
    await until(() => expect(lines).toHaveLength(1));
    expect(lines).toMatchObject([
      [
        'warn',
        'webhook not delivered',
        { attempts: 1, reason: expect.stringContaining('is not a public address') },
      ],
    ]);
    expect(received).toEqual([]);
  });
});

describe('policies', () => {
  it('a job over its executionTimeout is TIMED_OUT, its handler aborted, its webhook sent', async () => {
    const { handler, aborted } = gated();
    await serve(handler);
    const id = await run({ input: {}, webhook, policy: { executionTimeout: 5_000 } });
    await untilStatus(id, 'IN_PROGRESS');
    await clock.advanceAsync(5_000);
    expect(await statusOf(id)).toMatchObject({ status: 'TIMED_OUT', executionTime: 5_000 });
    expect(aborted).toHaveLength(1);
    await until(() => expect(received).toMatchObject([{ json: { status: 'TIMED_OUT' } }]));
  });

  it('a job over its ttl is gone, waiting or running', async () => {
    const { handler, aborted } = gated();
    await serve(handler);
    const ids = [
      await run({ input: {}, policy: { ttl: 10_000 } }),
      await run({ input: {}, policy: { ttl: 9_000 } }),
    ];
    await clock.advanceAsync(10_000);
    for (const id of ids) expect((await call('GET', `/status/${id}`)).status).toBe(404);
    expect(aborted).toEqual(['The job was deleted.']);
  });

  it('a result is kept for half an hour', async () => {
    await serve(() => 1);
    const id = await run({ input: {} });
    await untilStatus(id, 'COMPLETED');
    await clock.advanceAsync(1_799_999);
    expect(await statusOf(id)).toMatchObject({ status: 'COMPLETED' });
    await clock.advanceAsync(1);
    expect((await call('GET', `/status/${id}`)).status).toBe(404);
  });
});

describe('for tests of a client', () => {
  it('lets in who has the key', async () => {
    await serve(() => 1, { apiKey: 'KEY' });
    expect(await call('POST', '/run', { input: {} })).toMatchObject({ status: 401 });
    for (const authorization of ['KEY', 'Bearer KEY']) {
      expect((await call('POST', '/run', { input: {} }, { authorization })).status).toBe(200);
    }
    expect((await call('GET', '/health', undefined, { authorization: 'Bearer no' })).status).toBe(401);
  });

  it('ends jobs and answers as a test says', async () => {
    let instead: 'reset' | { status: number; json: unknown } | undefined;
    await serve(() => 1, { concurrency: 0, intercept: () => instead });
    const id = await run({ input: {}, webhook });
    endpoint?.force(id, { status: 'TIMED_OUT', error: 'lost' });
    expect(await statusOf(id)).toMatchObject({ status: 'TIMED_OUT', error: 'lost' });
    await until(() => expect(received).toMatchObject([{ json: { id, status: 'TIMED_OUT' } }]));
    expect(() => endpoint?.force(id, { status: 'FAILED' })).toThrow('no job under way');
    instead = { status: 429, json: {} };
    expect((await call('GET', `/status/${id}`)).status).toBe(429);
    instead = 'reset';
    await expect(call('GET', `/status/${id}`)).rejects.toThrow('fetch failed');
  });
});
