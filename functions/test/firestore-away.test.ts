import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { DEFAULT_STORY_LIMITS } from '@taleback/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHeartbeatStore } from '../src/heartbeat/heartbeat-store.node.ts';
import { requestAudio } from '../src/request/request-audio.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

const TIMEOUT_MS = 1_500;
/** Without our own limit Firestore's client would retry for a minute; the rest is for a busy machine. */
const ANSWER_WITHIN_MS = 30_000;

/** A port that refuses, and one that takes connections and never says a word. */
const openPorts = async () => {
  const silent = createServer(() => {});
  const refusing = createServer();
  for (const server of [silent, refusing]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const portOf = (server: typeof silent): number => (server.address() as AddressInfo).port;
  const ports = { silent: portOf(silent), refusing: portOf(refusing) };
  refusing.close();
  await once(refusing, 'close');
  return { ports, close: () => silent.close() };
};

describe.each(['refusing', 'silent'] as const)('the receiver with a %s Firestore', (kind) => {
  const host = process.env['FIRESTORE_EMULATOR_HOST'];
  let away: Awaited<ReturnType<typeof openPorts>>;
  let receiver: ReceiverHarness;
  let lost: ReceiverHarness;
  beforeAll(async () => {
    away = await openPorts();
    process.env['FIRESTORE_EMULATOR_HOST'] = `127.0.0.1:${away.ports[kind]}`;
    lost = await openReceiver();
    receiver = await openReceiver({
      stories: createFirestoreStories(lost.firestore, { timeoutMs: TIMEOUT_MS }),
      heartbeat: {
        keep: createHeartbeatStore(lost.firestore, { timeoutMs: TIMEOUT_MS }).keep,
        log: () => {},
        now: Date.now,
      },
    });
  });
  afterAll(async () => {
    process.env['FIRESTORE_EMULATOR_HOST'] = host;
    await Promise.all([receiver.close(), lost.close()]);
    away.close();
  });

  it('answers every callback with 503 and Retry-After, in good time', async () => {
    const startedAt = performance.now();
    const answers = await Promise.all([
      receiver.post('callback', { story_id: 's', job_id: 'j', r2_path: 'p' }),
      receiver.post('error-callback', { story_id: 's', error: 'x' }),
      receiver.post('progress', { story_id: 's', job_id: 'j', stage: 'storing', progress: 0.5 }),
      receiver.post('heartbeat', { worker_id: 'w', engines: [] }),
      receiver.post('heartbeat', {
        worker_id: 'w',
        engines: [{ name: 'flite', state: 'ready', languages: [], voices: [] }],
      }),
    ]);
    expect(performance.now() - startedAt).toBeLessThan(ANSWER_WITHIN_MS);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { success: false, error: expect.any(String) } });
      expect(answer.headers.get('retry-after')).toBe('5');
      expect(JSON.stringify(answer.body)).not.toContain('127.0.0.1');
    }
  });

  it('says on its health page that it is not well', async () => {
    const startedAt = performance.now();
    const answer = await fetch(`${receiver.baseUrl}/api/tts/health`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(performance.now() - startedAt).toBeLessThan(ANSWER_WITHIN_MS);
  });

  it('goes on refusing what is wrong in any case', async () => {
    expect((await receiver.post('callback', '{')).status).toBe(400);
    expect((await receiver.post('callback', {})).status).toBe(422);
  });

  it('tells a request for audio that the store is away rather than wait, and queues nothing', async () => {
    const stories = createFirestoreStories(receiver.firestore, { timeoutMs: TIMEOUT_MS });
    const published: unknown[] = [];
    const asked = requestAudio(
      'request',
      'u1',
      { storyId: 's' },
      {
        stories,
        queue: { publish: async (job) => void published.push(job) },
        limits: DEFAULT_STORY_LIMITS,
        defaultVoice: 'slt',
        callbackUrl: 'https://tales.example/api/tts/callback',
        pendingLeaseMs: 1_000,
        log: () => {},
        now: Date.now,
        newId: () => 'j',
      },
    );
    expect(await asked).toMatchObject({ kind: 'store-away' });
    expect(published).toEqual([]);
  });
});
