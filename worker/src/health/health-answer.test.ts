import { describe, expect, it } from 'vitest';
import {
  answerHealth,
  type HealthAnswer,
  type HealthRequest,
  type HealthSources,
} from './health-server.node.ts';

const SOURCES: HealthSources = {
  liveness: () => ({ alive: true }),
  readiness: () => ({ ready: true, state: 'ready', reasons: [] }),
  status: () => ({ state: 'ready', queueDepth: 3 }),
  metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' },
};
const ask = (method: string, target: string, change: Partial<HealthSources> = {}): Promise<HealthAnswer> =>
  answerHealth({ method, target }, { ...SOURCES, ...change });

describe('answerHealth', () => {
  it('tells liveness', async () => {
    expect(await ask('GET', '/health/live')).toMatchObject({ status: 200, body: '{"alive":true}\n' });
    const dead = await ask('GET', '/health/live', {
      liveness: () => ({ alive: false, reason: 'It has been stopping for 31 s.' }),
    });
    expect([dead.status, JSON.parse(dead.body)]).toEqual([
      503,
      { alive: false, reason: 'It has been stopping for 31 s.' },
    ]);
  });

  it.each(['starting', 'protected', 'stopping', 'degraded'] as const)(
    'is not ready while it is %s, and says why',
    async (state) => {
      const told = await ask('GET', '/health/ready', {
        readiness: () => ({ ready: false, state, reasons: ['A reason.'] }),
      });
      expect([told.status, JSON.parse(told.body)]).toEqual([
        503,
        { ready: false, state, reasons: ['A reason.'] },
      ]);
    },
  );

  it('is ready while it is degraded but can take work', async () => {
    const told = await ask('GET', '/health/ready', {
      readiness: () => ({ ready: true, state: 'degraded', reasons: ['worker-2 is UNHEALTHY.'] }),
    });
    expect(told.status).toBe(200);
  });

  it('answers the status, whatever it is, and is not to be kept', async () => {
    const told = await ask('GET', '/health/status?pretty=1');
    expect(told.status).toBe(200);
    expect(JSON.parse(told.body)).toEqual({ state: 'ready', queueDepth: 3 });
    expect(told.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  });

  it('answers metrics as they are, and nothing when there are none', async () => {
    expect(await ask('GET', '/metrics')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4', 'content-length': '5' },
      body: 'up 1\n',
    });
    const { liveness, readiness, status } = SOURCES;
    expect(
      await answerHealth({ method: 'GET', target: '/metrics' }, { liveness, readiness, status }),
    ).toMatchObject({
      status: 404,
    });
  });

  it.each(['/health/live', '/health/ready', '/health/status', '/metrics', '/nothing'])(
    'answers HEAD %s with the headers of GET',
    async (path) => {
      const head = await ask('HEAD', path);
      const { body, ...get } = await ask('GET', path);
      expect(head).toEqual({ ...get, body: '' });
      expect(head.headers['content-length']).toBe(String(body.length));
    },
  );

  it.each(['/', '', '/health', '/health/live/', '/Metrics', '/__proto__', '//', '*'])(
    'has nothing at %j',
    async (path) => {
      expect(await ask('GET', path)).toMatchObject({ status: 404 });
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', ''])('does not allow %j', async (method) => {
    expect(await ask(method, '/health/live')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});

/** Sends the body to `/breakers/reset`, and what the request changes. */
const reset = async (body: string, request: Partial<HealthRequest> = {}) => {
  const asked: (string | undefined)[] = [];
  const told = await answerHealth(
    {
      method: 'POST',
      target: '/breakers/reset',
      authorization: 'Bearer T',
      readBody: async () => body,
      ...request,
    },
    {
      ...SOURCES,
      token: 'T',
      resetBreakers: (name) => {
        asked.push(name);
        return name !== 'ghost';
      },
      testServices: async (name) => void asked.push(`test ${name}`),
    },
  );
  return { status: told.status, asked, words: told.body };
};

describe('POST /breakers/reset', () => {
  it.each([
    ['', undefined],
    ['{}', undefined],
    ['{"name":null}', undefined],
    ['{"name":"kokoro"}', 'kokoro'],
  ])('closes what %j names', async (body, name) => {
    expect(await reset(body)).toMatchObject({ status: 200, asked: [name] });
  });

  it.each([
    ['{"name":7}', {}, 400],
    ['[]', {}, 400],
    ['{', {}, 400],
    ['{}', { authorization: 'Bearer t' }, 401],
    ['{}', { authorization: undefined }, 401],
    ['{}', { method: 'GET' }, 405],
  ])('refuses %j with %j as %d', async (body, request, status) => {
    const told = await reset(body, request);
    expect([told.status, told.asked]).toEqual([status, []]);
  });

  it('says so when there is no such engine', async () => {
    expect(await reset('{"name":"ghost"}')).toMatchObject({ status: 404, asked: ['ghost'] });
  });

  it.each([
    ['Bearer T', 200, ['test kokoro']],
    ['Bearer t', 401, []],
  ])('and /breakers/test with %s is answered %d', async (authorization, status, asked) => {
    const request = { target: '/breakers/test?now', authorization };
    expect(await reset('{"name":"kokoro"}', request)).toMatchObject({ status, asked });
  });

  it('takes no token where there is none', async () => {
    for (const token of [undefined, '']) {
      const request = { method: 'POST', target: '/breakers/reset', authorization: 'Bearer undefined' };
      const told = await answerHealth(request, { ...SOURCES, token, resetBreakers: () => true });
      expect(told.status).toBe(401);
    }
  });

  it('is not there where nothing can be reset', async () => {
    expect((await answerHealth({ method: 'POST', target: '/breakers/reset' }, SOURCES)).status).toBe(404);
  });
});
