import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  decideLiveness,
  type HealthServer,
  type HealthServerOptions,
  openHealthServer,
} from '../src/health/health-server.node.ts';
import { createPrometheus } from '../src/health/prometheus.ts';
import {
  decideReadiness,
  describeStatus,
  type ServicePhase,
  SynthesisStatistics,
} from '@taleback/speech/operations';
import type { PoolSnapshot } from '@taleback/speech';
import { aPool, aWorker } from '../../packages/speech/test/support/pool-fixtures.ts';

const DRAIN_MS = 20_000;
const clock = createFakeClock(1_700_000_000_000);

let phase: ServicePhase;
let pool: PoolSnapshot | undefined;
let statistics: SynthesisStatistics;
let lines: { message: string; fields: Record<string, unknown> }[];
let server: HealthServer;
const sockets: Socket[] = [];

const open = (change: Partial<HealthServerOptions> = {}): Promise<HealthServer> => {
  const protection = { active: false };
  const readiness = () => decideReadiness({ phase, protection, pool });
  const prometheus = createPrometheus();
  const figures = () => prometheus.text({ pool, machine: {}, protection, readiness: readiness() });
  const nowMs = clock.now();
  return openHealthServer({
    port: 0,
    log: (_, message, fields = {}) => void lines.push({ message, fields }),
    liveness: () => decideLiveness(phase, DRAIN_MS, nowMs),
    readiness,
    status: () =>
      describeStatus({
        phase,
        protection,
        summary: statistics.summary(),
        machine: {},
        pool,
        engines: [],
        nowMs,
      }),
    metrics: { contentType: prometheus.contentType, text: figures },
    ...change,
  });
};

beforeEach(async () => {
  phase = { kind: 'running' };
  pool = aPool();
  statistics = new SynthesisStatistics(clock);
  lines = [];
  server = await open();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

const ask = async (path: string, method = 'GET') => {
  const answer = await fetch(`${server.url}${path}`, { method });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
};

/** What liveness and readiness answer. */
const codes = async () => [(await ask('/health/live')).status, (await ask('/health/ready')).status];

/** A connection that is spoken to by hand, and what came from it. */
const dial = async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  const closed = new Promise((resolve) => {
    socket.on('error', () => {}).on('close', resolve);
  });
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  await once(socket, 'connect');
  return { socket, heard: () => heard, closed };
};

describe('the health server over HTTP', () => {
  it('listens on the loopback unless configured otherwise', () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  });

  it('answers the status as JSON', async () => {
    statistics.record({ kind: 'ended', outcome: 'spoken', latencyMs: 120, audioMs: 1, characters: 1 });
    pool = aPool([aWorker({ healthScore: 93 })], { queueDepth: 2 });
    const { status, headers, text } = await ask('/health/status');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(JSON.parse(text)).toMatchObject({
      state: 'ready',
      averageLatency: 120,
      queueDepth: 2,
      workerHealth: [93],
      cpuUsage: null,
    });
  });

  it('answers metrics that Prometheus reads', async () => {
    const { status, headers, text } = await ask('/metrics');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(text).toContain('taleback_workers{state="ready"} 1\n');
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  it('is alive and not ready while it starts, has lost its workers, or stops', async () => {
    expect(await codes()).toEqual([200, 200]);
    phase = { kind: 'starting' };
    expect(await codes()).toEqual([200, 503]);
    phase = { kind: 'running' };
    pool = aPool([aWorker({ state: 'UNHEALTHY' })]);
    expect(await codes()).toEqual([200, 503]);
    phase = { kind: 'stopping', sinceMs: clock.now() };
    expect(await codes()).toEqual([200, 503]);
    phase = { kind: 'stopping', sinceMs: clock.now() - DRAIN_MS - 10_001 };
    expect(await codes()).toEqual([503, 503]);
  });

  it('answers HEAD without a body, other methods with 405, other paths with 404', async () => {
    const head = await ask('/health/live', 'HEAD');
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', '15']);
    const post = await ask('/health/live', 'POST');
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await ask('/health')).status).toBe(404);
  });

  it('keeps what went wrong to the log', async () => {
    await server.close();
    server = await open({
      status: () => {
        throw new Error('the inside of it');
      },
    });
    const { status, text } = await ask('/health/status');
    expect([status, text]).toEqual([500, '{"error":"The figures could not be gathered."}\n']);
    expect(lines).toMatchObject([
      { message: 'health figures failed', fields: { error: { message: 'the inside of it' } } },
    ]);
    expect((await ask('/health/live')).status).toBe(200);
  });

  it('says when its port is taken', async () => {
    await expect(open({ port: Number(new URL(server.url).port) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});

/** Asks with these headers and no others. */
const send = async (path: string, headers: Record<string, string>, method = 'POST') => {
  const sent = request(`${server.url}${path}`, { method, headers });
  const [answer] = (await once(sent.end(method === 'POST' ? '{}' : undefined), 'response')) as [
    IncomingMessage,
  ];
  return [answer.statusCode, (await text(answer)).trim()] as const;
};

describe('web pages', () => {
  let resets: number;
  beforeEach(async () => {
    await server.close();
    resets = 0;
    server = await open({ token: 'T', resetBreakers: () => (resets += 1) > 0, names: ['worker.internal'] });
  });
  const JSON_BODY = { 'content-type': 'application/json', authorization: 'Bearer T' };
  it.each([
    [{ ...JSON_BODY, host: 'rebound.example:9464' }, 403],
    [{ ...JSON_BODY, host: '127.0.0.1.rebound.example' }, 403],
    [{ ...JSON_BODY, origin: 'https://evil.example' }, 403],
    [{ ...JSON_BODY, origin: 'null' }, 403],
    [{ ...JSON_BODY, 'content-type': 'application/json-evil' }, 415],
    [{ ...JSON_BODY, 'content-type': 'text/plain' }, 415],
    [{ authorization: 'Bearer T' }, 415],
    [{ 'content-type': 'application/json' }, 401],
    [{ ...JSON_BODY, authorization: 'Bearer t' }, 401],
  ])('reset no breaker with %j', async (headers, status) => {
    expect((await send('/breakers/reset', headers))[0]).toBe(status);
    expect(resets).toBe(0);
  });

  it('read nothing under a name of theirs', async () => {
    const [status, words] = await send('/health/status', { host: 'rebound.example' }, 'GET');
    expect([status, words]).toEqual([
      403,
      '{"error":"Unknown host \\"rebound.example\\": only localhost and configured names are served."}',
    ]);
  });

  it('are distinguished from programs of this machine and from configured names', async () => {
    expect((await send('/breakers/reset', JSON_BODY))[0]).toBe(200);
    const named = {
      ...JSON_BODY,
      'content-type': 'application/json; charset=utf-8',
      host: 'worker.internal',
    };
    expect((await send('/breakers/reset', named))[0]).toBe(200);
    expect(resets).toBe(2);
  });
});

describe('close', () => {
  it('ends connections that are kept alive and those that never asked', async () => {
    const kept = await dial();
    kept.socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(kept.socket, 'data');
    const silent = await dial();
    await ask('/health/live'); // the silent connection is accepted before this one is answered
    await server.close();
    await Promise.all([kept.closed, silent.closed]);
    expect(kept.heard()).toContain('200 OK');
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });

  it('lets an answer that is under way go out', async () => {
    await server.close();
    const gate = new EventEmitter();
    server = await open({
      metrics: {
        contentType: 'text/plain',
        text: async () => {
          const opened = once(gate, 'open');
          gate.emit('asked');
          await opened;
          return 'up 1\n';
        },
      },
    });
    const asked = once(gate, 'asked');
    const answer = ask('/metrics');
    await asked;
    const closed = server.close();
    gate.emit('open');
    const { status, text, headers } = await answer;
    expect([status, text, headers.get('connection')]).toEqual([200, 'up 1\n', 'close']);
    await closed;
  });

  it('may be called twice', async () => {
    expect(await Promise.all([server.close(), server.close()])).toEqual([undefined, undefined]);
  });
});
