import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { converse } from '../../src/engines/edge/edge-socket.node.ts';
import {
  formatConfigFrame,
  formatSsml,
  formatSsmlFrame,
  socketHeaders,
  speechAddress,
} from '../../src/engines/edge/edge-wire.ts';
import { createEdgeEngine } from '../../src/engines/edge/edge-engine.ts';
import { type EdgeServer, openEdgeServer } from './simulators/edge-server.ts';

const CHUNK = { text: 'The tide came in.', voiceId: 'de-DE-ConradNeural' };

let server: EdgeServer;
beforeEach(async () => {
  server = await openEdgeServer({ port: 0 });
});
afterEach(() => server.close());

const open = () => createEdgeEngine({ endpoint: server.endpoint });
const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

/** A server that answers each connection with the same bytes. */
const openRaw = async (
  answer: string,
): Promise<{ readonly endpoint: string; readonly close: () => Promise<void> }> => {
  const sockets = new Set<Socket>();
  const raw = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  raw.listen(0, '127.0.0.1');
  await once(raw, 'listening');
  return {
    endpoint: `ws://127.0.0.1:${(raw.address() as AddressInfo).port}/`,
    close: async () => {
      const closed = once(raw, 'close');
      raw.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

describe('a WebSocket of the Edge engine', () => {
  test('leaves no listener and no connection behind, whatever the end', async () => {
    const engine = open();
    const { signal } = new AbortController();
    server.script('ok', 'none', 'cut', 'forbidden', 'forbidden', 'malformed-short', 'close-before', 'away');
    for (let count = 0; count < 7; count += 1) {
      await engine.synthesizeChunk(CHUNK, { signal }).catch(() => {});
      expect(listenersOf(signal)).toBe(0);
    }
    await server.whenIdle();
  });

  test('is cut off while its handshake hangs', async () => {
    server.script('hang-handshake');
    const stop = new AbortController();
    const hanging = open().synthesizeChunk(CHUNK, { signal: stop.signal });
    hanging.catch(() => {});
    while (server.handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await expect(hanging).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(listenersOf(stop.signal)).toBe(0);
    await server.whenIdle();
  });

  test('is not opened when the signal is aborted already', async () => {
    const signal = AbortSignal.abort();
    const opening = converse({
      url: server.endpoint,
      headers: {},
      signal,
      frames: [],
      onMessage: () => true,
    });
    await expect(opening).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(server.connectionCount).toBe(0);
  });

  test('ends with the signal also after its first message', async () => {
    const stop = new AbortController();
    const identity = { chromiumVersion: '143.0.0.1', nowMs: Date.now(), newId: () => 'ab'.repeat(16) };
    const url = speechAddress(server.endpoint, identity);
    const headers = socketHeaders(identity);
    const ssml = formatSsml({ ...CHUNK, language: 'de-DE', speed: 1 });
    const frames = [
      formatConfigFrame(identity.nowMs),
      formatSsmlFrame(ssml, identity.newId(), identity.nowMs),
    ];
    const onMessage = (): boolean => {
      stop.abort();
      return false;
    };
    const conversation = converse({ url, headers, signal: stop.signal, frames, onMessage });
    await expect(conversation).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(listenersOf(stop.signal)).toBe(0);
    await server.whenIdle();
  });

  test.each([
    [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n',
    ],
    ['this is no HTTP\r\n\r\n'],
    [''],
  ])('tells a server that speaks otherwise: %j', async (answer) => {
    const raw = await openRaw(answer);
    const engine = createEdgeEngine({ endpoint: raw.endpoint });
    await expect(engine.synthesizeChunk(CHUNK)).rejects.toMatchObject({ brand: 'taleback.error' });
    await raw.close();
  });

  test('tells a server without TLS where TLS was asked for', async () => {
    const endpoint = server.endpoint.replace('ws:', 'wss:');
    const engine = createEdgeEngine({ endpoint });
    await expect(engine.synthesizeChunk(CHUNK)).rejects.toMatchObject({ code: 'tls_failed' });
  });

  test('tells a name that is not there', async () => {
    const endpoint = 'ws://nobody.invalid/edge/v1';
    const engine = createEdgeEngine({ endpoint });
    await expect(engine.synthesizeChunk(CHUNK)).rejects.toMatchObject({ code: 'dns_failed' });
  });
});
