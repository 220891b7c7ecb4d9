import { parseHeartbeat } from '@taleback/core';
import { verifyStandard } from '@taleback/core/signatures';
import { systemClock } from '@taleback/resilience';
import { afterEach, expect, it, vi } from 'vitest';
import { createHttpPost, createSendOnce, type HttpPost } from '@taleback/outbox';
import { startHeartbeats } from '../src/heartbeat/heartbeats.ts';
import {
  openRecordingReceiver,
  type RecordingReceiver,
  type Reply,
} from '../../packages/outbox/test/recording-receiver.ts';

const KEYS = [Buffer.alloc(24, 1)];

const opened: (RecordingReceiver | HttpPost)[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

const wire = async (reply?: Reply) => {
  const receiver = await openRecordingReceiver(reply === undefined ? undefined : () => reply);
  const poster = createHttpPost({ allowPrivate: true });
  opened.push(receiver, poster);
  const logged: string[] = [];
  const start = () =>
    startHeartbeats({
      url: receiver.callbackUrl.replace(/callback$/, 'heartbeat'),
      workerId: 'worker-1',
      snapshot: () => ({
        state: 'ready',
        engines: [
          {
            name: 'flite',
            state: 'ready',
            languages: ['en'],
            voices: [{ id: 'slt', name: 'Großmütterchen 🧶', languages: ['en-US'] }],
          },
        ],
      }),
      sendOnce: createSendOnce({ post: poster.post, secrets: KEYS, now: Date.now }),
      clock: systemClock,
      log: (severity, message) => void logged.push(`${severity}: ${message}`),
    });
  return { receiver, start, logged };
};

it('posts signed heartbeats that the receiver understands, and reports the stop', async () => {
  const { receiver, start, logged } = await wire();
  const heartbeats = start();
  await vi.waitFor(() => expect(logged).toEqual(['info: heartbeat accepted']), { timeout: 120_000 });
  await heartbeats.close();
  expect(receiver.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /api/tts/heartbeat',
    'POST /api/tts/heartbeat',
  ]);
  for (const { headers, body } of receiver.requests) {
    expect(verifyStandard(headers, body, KEYS, Date.now())).toMatchObject({ ok: true });
  }
  const [first, last] = receiver.requests.map(({ json }) => parseHeartbeat(json));
  expect(first).toMatchObject({
    ok: true,
    value: { workerId: 'worker-1', state: 'ready', engines: [{ voices: [{ name: 'Großmütterchen 🧶' }] }] },
  });
  expect(last).toMatchObject({ ok: true, value: { state: 'stopping' } });
});

it('is neither loud nor late about a receiver that hangs up', async () => {
  const { start, logged, receiver } = await wire((incoming) => incoming.socket.resetAndDestroy());
  const heartbeats = start();
  await vi.waitFor(() => expect(logged).toEqual(['warn: heartbeat not accepted']), { timeout: 120_000 });
  await heartbeats.close();
  expect(receiver.requests).toHaveLength(1);
});
