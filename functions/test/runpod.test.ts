import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientOf } from './nets-harness.ts';
import { API_KEY, openRunpodApi, type RunpodApi } from './runpod-api.ts';

const order = {
  input: { text: 'Once' },
  webhook: 'https://h.test/hook?token=abc',
  policy: { executionTimeout: 600_000, ttl: 3_600_000 },
};

let api: RunpodApi;
beforeAll(async () => {
  api = await openRunpodApi();
});
afterAll(() => api.close());
beforeEach(() => {
  api.script.length = 0;
  api.calls.length = 0;
});

describe('the client of RunPod', () => {
  it('asks for a job with the key, the webhook and the policy', async () => {
    const { client } = clientOf(api);
    expect(await client.run(order)).toEqual({ kind: 'accepted', runpodJobId: expect.stringMatching(/^rp-/) });
    expect(api.calls).toEqual([
      { method: 'POST', path: '/v2/ep/run', authorization: `Bearer ${API_KEY}`, body: order },
    ]);
  });

  it('asks how a job stands, and takes one back', async () => {
    const { client } = clientOf(api);
    const run = await client.run(order);
    const id = run.kind === 'accepted' ? run.runpodJobId : '';
    expect(await client.status(id)).toEqual({ kind: 'found', report: { id, status: 'IN_QUEUE' } });
    expect(await client.cancel(id)).toEqual({ kind: 'cancelled' });
    expect(await client.status(id)).toMatchObject({ report: { status: 'CANCELLED' } });
    expect(await client.status('gone/../../other')).toEqual({ kind: 'not-found' });
    expect(await client.cancel('gone')).toEqual({ kind: 'not-found' });
    expect(api.calls.map(({ path }) => path)).toContain('/v2/ep/status/gone%2F..%2F..%2Fother');
  });

  it.each([
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['429', { status: 429 }],
    ['408', { status: 408 }],
    ['a cut connection', 'cut' as const],
    ['a page that is no JSON', { status: 200, body: undefined }],
  ])(
    'tries three times more after %s, one, two and four seconds later, with jitter',
    async (_what, answer) => {
      const { client, waitsMs } = clientOf(api);
      api.script.push(answer, answer, answer);
      expect(await client.run(order)).toMatchObject({ kind: 'accepted' });
      expect(waitsMs).toHaveLength(3);
      [1_000, 2_000, 4_000].forEach((nominal, index) => {
        expect(waitsMs[index]).toBeGreaterThanOrEqual(nominal / 2);
        expect(waitsMs[index]).toBeLessThanOrEqual(nominal);
      });
    },
  );

  it('waits as long as it is asked to', async () => {
    const { client, waitsMs } = clientOf(api);
    api.script.push({ status: 429, headers: { 'retry-after': '9' } });
    expect(await client.run(order)).toMatchObject({ kind: 'accepted' });
    expect(waitsMs).toEqual([9_000]);
  });

  it('gives up at once when it is asked to wait longer than a function should', async () => {
    const { client, waitsMs } = clientOf(api);
    api.script.push({ status: 429, headers: { 'retry-after': '60' } });
    expect(await client.run(order)).toMatchObject({ kind: 'away', code: 'provider_rate_limited' });
    expect(waitsMs).toEqual([]);
  });

  it.each([
    [400, 'provider_rejected'],
    [401, 'credentials_invalid'],
    [402, 'provider_quota_exceeded'],
    [403, 'permission_denied'],
    [404, 'provider_rejected'],
    [413, 'provider_rejected'],
  ])('never asks again after %i: %s', async (status, code) => {
    const { client } = clientOf(api);
    api.script.push({ status });
    expect(await client.run(order)).toMatchObject({ kind: 'refused', status, code });
    expect(api.calls).toHaveLength(1);
  });

  it('knows a used-up balance by its words', async () => {
    api.script.push({ status: 400, body: { error: 'insufficient funds' } });
    expect(await clientOf(api).client.run(order)).toMatchObject({ code: 'provider_quota_exceeded' });
  });

  it('repeats neither key nor token', async () => {
    api.script.push({ status: 400, body: { error: `bad webhook ${order.webhook}` } });
    const outcome = JSON.stringify(await clientOf(api).client.run(order));
    expect(outcome).toContain('bad webhook');
    expect(outcome).not.toContain('abc');
    expect(outcome).not.toContain(API_KEY);
  });

  it.each([
    ['503', { status: 503 }, 'provider_unavailable'],
    ['429', { status: 429 }, 'provider_rate_limited'],
    ['no connection', 'cut' as const, 'network_unreachable'],
  ])('says what it was when all tries ended in %s', async (_what, answer, code) => {
    api.script.push(answer, answer, answer, answer);
    expect(await clientOf(api).client.run(order)).toMatchObject({ kind: 'away', code });
    expect(api.calls).toHaveLength(4);
  });

  it('leaves an endpoint alone after five failures in a row, and not for requests it refuses', async () => {
    const { client } = clientOf(api);
    api.script.push(...Array.from({ length: 6 }, () => ({ status: 400 })));
    for (let index = 0; index < 6; index += 1) await client.run(order);
    expect(api.calls).toHaveLength(6);
    api.script.push(...Array.from({ length: 5 }, () => ({ status: 500 })));
    await client.run(order);
    await client.run(order);
    expect(api.calls).toHaveLength(11);
    expect(await client.run(order)).toMatchObject({ kind: 'away', code: 'circuit_open' });
    expect(await client.status('x')).toMatchObject({ kind: 'away', code: 'circuit_open' });
    expect(api.calls).toHaveLength(11);
  });

  it('refuses to guess an id from an answer that has none', async () => {
    api.script.push({ status: 200, body: { status: 'IN_QUEUE' } });
    expect(await clientOf(api).client.run(order)).toMatchObject({
      kind: 'refused',
      code: 'provider_rejected',
    });
  });

  it('says that no one is there', async () => {
    const outcome = await clientOf({ url: 'http://127.0.0.1:9/v2' }).client.run(order);
    expect(outcome).toMatchObject({ kind: 'away', code: 'network_unreachable' });
  });
});
