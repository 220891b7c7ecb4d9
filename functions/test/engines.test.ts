import { signStandard } from '@taleback/core/signatures';
import type { Timestamp } from 'firebase-admin/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFirestoreEngines } from '../src/adapters/firestore-engines.ts';
import { createHearOfEngines } from '../src/engines/index.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

const KEY = Buffer.alloc(24, 1);
const MINUTE_MS = 60_000;

const voice = { id: 'slt', name: 'Clara', languages: ['en-US'], gender: 'female', accent: 'American' };
const engineOf = (name: string, fields: object = {}): object => ({
  name,
  state: 'ready',
  languages: ['en'],
  voices: [voice],
  ...fields,
});

const millisOf = (value: unknown): number => (value as Timestamp).toMillis();

let receiver: ReceiverHarness;
let next = 0;
/** The clock of a receiver is its own, so that a test can let time pass. */
let nowMs = Date.now();
let calls: string[] = [];

beforeAll(async () => {
  const plain = await openReceiver();
  const { firestore } = plain;
  // Every call to Firestore as it leaves the library, beneath everything of ours.
  const spied = firestore as unknown as Record<
    'request' | 'requestStream',
    (method: string, ...rest: unknown[]) => unknown
  >;
  for (const name of ['request', 'requestStream'] as const) {
    const original = spied[name].bind(firestore);
    spied[name] = (method, ...rest) => {
      calls.push(method);
      return original(method, ...rest);
    };
  }
  const mounted = await openReceiver({
    engines: createHearOfEngines({
      engines: createFirestoreEngines(firestore, { timeoutMs: 20_000 }),
      log: () => {},
      now: () => nowMs,
    }),
    signatures: 'required',
    secrets: { standard: [KEY], hmac: [] },
  });
  receiver = {
    ...mounted,
    firestore,
    close: async () => {
      await mounted.close();
      await plain.close();
    },
  };
});
afterAll(() => receiver.close());

const sign = (body: string): Record<string, string> => {
  next += 1;
  return signStandard({ id: `m${next}`, timestampSeconds: Date.now() / 1000, body: Buffer.from(body) }, [
    KEY,
  ]);
};

const tell = async (workerId: string, engines: readonly object[], rest: object = {}) => {
  const body = JSON.stringify({ worker_id: workerId, engines, ...rest });
  return receiver.post('engines', body, sign(body));
};

const read = async (path: string): Promise<Record<string, unknown> | undefined> =>
  (await receiver.firestore.doc(path).get()).data();

describe('what a worker tells of its engines', () => {
  it('stands in Firestore: the engine for everybody, the worker for the server', async () => {
    const away = {
      state: 'unavailable',
      reason: 'GET http://h/v?token=abc failed',
      error_type: 'network_unreachable',
      breaker: 'OPEN',
      retry_at: nowMs + MINUTE_MS,
      clones_voices: true,
      voices: [],
    };
    const rest = { state: 'degraded', queue_depth: 3, in_flight: 2, started_at: nowMs - MINUTE_MS };
    const told = await tell('host-1', [engineOf('flite-a'), engineOf('kokoro-a', away)], rest);
    expect(told).toMatchObject({ status: 200, body: { success: true } });
    const { updatedAt, expiresAt, forgetAt, tellers, ...flite } = (await read('ttsEngines/flite-a')) ?? {};
    expect(flite).toEqual({
      name: 'flite-a',
      state: 'ready',
      languages: ['en'],
      clonesVoices: false,
      voices: [voice],
      workerId: 'host-1',
    });
    expect(Object.keys(tellers as object)).toEqual(['host-1']);
    expect(millisOf(expiresAt)).toBe(nowMs + 5 * MINUTE_MS);
    expect(millisOf(forgetAt)).toBe(millisOf(expiresAt) + 30 * 24 * 60 * MINUTE_MS);
    expect(millisOf(updatedAt)).toBeGreaterThan(0);
    const kokoro = (await read('ttsEngines/kokoro-a')) ?? {};
    expect(kokoro).toMatchObject({
      state: 'unavailable',
      reason: 'GET http://h/v?token=redacted failed',
      errorCode: 'network_unreachable',
      clonesVoices: true,
      breaker: 'OPEN',
    });
    expect(millisOf(kokoro['retryAt'])).toBe(nowMs + MINUTE_MS);
    const worker = (await read('ttsWorkers/host-1')) ?? {};
    expect(worker).toMatchObject({
      workerId: 'host-1',
      state: 'degraded',
      queueDepth: 3,
      inFlight: 2,
      engines: [{ name: 'flite-a' }, { name: 'kokoro-a', state: 'unavailable' }],
    });
    expect(millisOf(worker['expiresAt'])).toBe(nowMs + 5 * MINUTE_MS);
  });

  it('lets the best of several workers stand, and the next best when that one falls silent', async () => {
    await tell('w1', [engineOf('shared')]);
    await tell('w2', [engineOf('shared', { state: 'unavailable', reason: 'no answer' })]);
    expect(await read('ttsEngines/shared')).toMatchObject({ state: 'ready', workerId: 'w1' });
    expect(await read('ttsWorkers/w2')).toMatchObject({ engines: [{ state: 'unavailable' }] });
    nowMs += 5 * MINUTE_MS;
    await tell('w2', [engineOf('shared', { state: 'unavailable', reason: 'no answer' })]);
    expect(await read('ttsEngines/shared')).toMatchObject({ state: 'unavailable', workerId: 'w2' });
  });

  it('takes the engine of a worker that stops, and nobody else has, away', async () => {
    await tell('w3', [engineOf('alone')]);
    await tell('w3', [engineOf('alone')], { state: 'stopping' });
    expect(await read('ttsEngines/alone')).toMatchObject({ state: 'unavailable', voices: [voice] });
    expect(await read('ttsWorkers/w3')).toMatchObject({ state: 'stopping' });
  });

  it('costs one read and one commit, and writes an engine only when it changed or half of its time is over', async () => {
    const engines = [engineOf('quiet-1'), engineOf('quiet-2')];
    await tell('w4', engines);
    const written = (await receiver.firestore.doc('ttsEngines/quiet-1').get()).updateTime;
    calls = [];
    nowMs += MINUTE_MS;
    await tell('w4', engines);
    expect(calls.toSorted()).toEqual(['batchGetDocuments', 'commit']);
    const again = await receiver.firestore.doc('ttsEngines/quiet-1').get();
    expect(again.updateTime?.isEqual(written as Timestamp)).toBe(true);
    nowMs += 2 * MINUTE_MS;
    await tell('w4', engines);
    expect(millisOf((await read('ttsEngines/quiet-1'))?.['expiresAt'])).toBe(nowMs + 5 * MINUTE_MS);
    calls = [];
    await tell('w4', []);
    expect(calls.length).toBeLessThanOrEqual(2);
  });

  it('agrees on one document when twenty workers tell at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        tell(`many-${index}`, [engineOf('crowded', { state: index === 13 ? 'ready' : 'degraded' })]),
      ),
    );
    expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    await tell('many-13', [engineOf('crowded')]);
    const engine = (await read('ttsEngines/crowded')) ?? {};
    expect(engine).toMatchObject({ state: 'ready', workerId: 'many-13' });
    expect(Object.keys(engine['tellers'] as object).length).toBeLessThanOrEqual(10);
  });

  it('holds the largest report that a body may carry', async () => {
    const voices = Array.from({ length: 480 }, (_, index) => ({
      id: `${index}-${'v'.repeat(190)}`,
      name: 'n'.repeat(100),
      languages: ['en-US', 'de-DE'],
      remark: 'r'.repeat(100),
    }));
    expect((await tell('large', [engineOf('large', { voices })])).status).toBe(200);
    expect((await read('ttsEngines/large'))?.['voices']).toHaveLength(480);
  });

  it('leaves out voices and languages that are odd, and keeps the rest', async () => {
    const voices = [voice, { id: 7 }, { ...voice, id: 'b', languages: ['en', 5] }];
    expect((await tell('w6', [engineOf('sifted', { voices })])).status).toBe(200);
    expect((await read('ttsEngines/sifted'))?.['voices']).toEqual([
      voice,
      { ...voice, id: 'b', languages: ['en'] },
    ]);
  });

  it('mends a document that makes no sense', async () => {
    await receiver.firestore.doc('ttsEngines/odd').set({ state: 7, tellers: 'none', voices: { a: 1 } });
    await tell('w5', [engineOf('odd')]);
    expect(await read('ttsEngines/odd')).toMatchObject({ state: 'ready', workerId: 'w5' });
  });
});

describe('the route refuses', () => {
  it.each([
    ['no worker', { engines: [] }, 422, 'worker_id: is required'],
    [
      'a wrong state',
      { worker_id: 'w', engines: [engineOf('e', { state: 'well' })] },
      422,
      'engines.0.state: ',
    ],
    ['a list', [], 422, 'body: must be a JSON object'],
  ])('%s', async (_, body, status, sentence) => {
    const text = JSON.stringify(body);
    const answer = await receiver.post('engines', text, sign(text));
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ success: false, error: expect.stringContaining(sentence) });
  });

  it('whoever did not sign, and what was recorded changes nothing', async () => {
    const unsigned = await receiver.post('engines', { worker_id: 'w9', engines: [engineOf('forged')] });
    expect(unsigned.status).toBe(401);
    expect(await read('ttsEngines/forged')).toBeUndefined();
    const ready = JSON.stringify({ worker_id: 'w9', engines: [engineOf('recorded')] });
    const headers = sign(ready);
    expect((await receiver.post('engines', ready, headers)).status).toBe(200);
    await tell('w9', [engineOf('recorded', { state: 'unavailable' })]);
    expect((await receiver.post('engines', ready, headers)).status).toBe(200);
    expect(await read('ttsEngines/recorded')).toMatchObject({ state: 'unavailable' });
  });

  it('everything, where nobody hears of engines', async () => {
    const without = await openReceiver({ engines: undefined });
    expect((await without.post('engines', { worker_id: 'w', engines: [] })).status).toBe(404);
    await without.close();
  });
});
