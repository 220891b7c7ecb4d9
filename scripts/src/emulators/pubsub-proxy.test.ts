import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openPubsubProxy, type Proxy } from './pubsub-proxy.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A frame of RFC 9113, 4.1. */
const frame = (type: number, flags: number, streamId: number, payload = ''): Buffer => {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, Buffer.from(payload)]);
};
const HEADERS = 1;
const DATA = 0;
const RST_STREAM = 3;
const END_STREAM = 1;

const sent = (client: Socket, bytes: Buffer | string): Promise<void> =>
  new Promise((resolve) => client.write(bytes, () => resolve()));

describe('the way to the Pub/Sub emulator', () => {
  const open: { proxy?: Proxy; emulator?: Server } = {};
  afterEach(async () => {
    vi.useRealTimers();
    await open.proxy?.close();
    open.emulator?.close();
  });

  /** An emulator that keeps what it is sent, and a client that is connected to it through the proxy. */
  const connected = async (): Promise<{
    client: Socket;
    upstream: Socket;
    /** What the emulator has by the time that it has so many bytes. */
    received: (bytes: number) => Promise<Buffer>;
  }> => {
    const emulator = createServer();
    open.emulator = emulator;
    emulator.listen(0, '127.0.0.1');
    await once(emulator, 'listening');
    open.proxy = await openPubsubProxy((emulator.address() as AddressInfo).port);
    const arriving = once(emulator, 'connection') as Promise<[Socket]>;
    const client = connect(open.proxy.port, '127.0.0.1');
    const [upstream] = await arriving;
    let received = Buffer.alloc(0);
    upstream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
    });
    return {
      client,
      upstream,
      received: async (bytes) => {
        await expect.poll(() => received.length).toBeGreaterThanOrEqual(bytes);
        return received;
      },
    };
  };
  it('ends the streams that a lost client had open, and no others', async () => {
    const { client, received } = await connected();
    const bytes = Buffer.concat([
      Buffer.from(PREFACE),
      frame(HEADERS, 0, 1, 'pulls'),
      frame(HEADERS, 0, 3, 'asks'),
      frame(DATA, END_STREAM, 3, 'once'),
      frame(HEADERS, END_STREAM, 5, 'asks without a body'),
      frame(HEADERS, 0, 7, 'changes its mind'),
      frame(RST_STREAM, 0, 7, 'stop'),
      frame(HEADERS, 0, 9, 'pulls too'),
    ]);
    // A byte at a time, as a network may.
    for (const byte of bytes) await sent(client, Buffer.from([byte]));
    await received(bytes.length);
    client.resetAndDestroy();
    const whole = Buffer.concat([bytes, frame(DATA, END_STREAM, 1), frame(DATA, END_STREAM, 9)]);
    expect(await received(whole.length)).toEqual(whole);
  });

  it('leaves the emulator its connection for a while, to see that streams have ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const { client, upstream, received } = await connected();
    const ended = once(upstream, 'end');
    const whole = Buffer.concat([Buffer.from(PREFACE), frame(HEADERS, 0, 1, 'pulls')]);
    await sent(client, whole);
    client.end();
    await received(whole.length + 9);
    // A connection of somebody else's opens and closes: that of the first would have closed by now.
    const other = connect(open.proxy?.port ?? 0, '127.0.0.1');
    const [, arrived] = await Promise.all([
      once(other, 'connect'),
      once(open.emulator as Server, 'connection') as Promise<[Socket]>,
    ]);
    const gone = once(arrived[0].resume(), 'end');
    other.end();
    await gone;
    expect(upstream.readableEnded).toBe(false);
    vi.advanceTimersByTime(10_000);
    await ended;
  });

  it('passes no frame on that was cut off', async () => {
    const { client, received } = await connected();
    const whole = Buffer.concat([Buffer.from(PREFACE), frame(HEADERS, 0, 1, 'pulls')]);
    await sent(client, Buffer.concat([whole, frame(DATA, 0, 1, 'half of it').subarray(0, 12)]));
    client.end();
    const ended = Buffer.concat([whole, frame(DATA, END_STREAM, 1)]);
    expect(await received(ended.length)).toEqual(ended);
  });

  it('ends the connection at once when no stream is open', async () => {
    const { client, upstream, received } = await connected();
    const whole = Buffer.concat([Buffer.from(PREFACE), frame(HEADERS, END_STREAM, 1, 'asks')]);
    const ended = once(upstream, 'end');
    await sent(client, whole);
    client.end();
    await ended;
    expect(await received(whole.length)).toEqual(whole);
  });

  it.each([
    ['POST /reset HTTP/1.1\r\n\r\n'],
    ['PRI', 'OR /x HTTP/1.1\r\n\r\n'],
    ['PRIVATE / HTTP/1.1\r\n\r\n'],
  ])('passes HTTP/1 on: %j', async (...texts) => {
    const { client, upstream, received } = await connected();
    const ended = once(upstream, 'end');
    for (const text of texts) await sent(client, text);
    client.end();
    await ended;
    expect(String(await received(0))).toBe(texts.join(''));
  });

  it('returns answers, and ends the client with the emulator', async () => {
    const { client, upstream } = await connected();
    const answer = once(client, 'data');
    upstream.write('pong');
    expect(String((await answer)[0])).toBe('pong');
    const closed = once(client, 'close');
    upstream.destroy();
    expect(await closed).toEqual([false]);
  });

  it('ends the client when there is no emulator', async () => {
    const none = createServer();
    none.listen(0, '127.0.0.1');
    await once(none, 'listening');
    const { port } = none.address() as AddressInfo;
    none.close();
    await once(none, 'close');
    open.proxy = await openPubsubProxy(port);
    const client = connect(open.proxy.port, '127.0.0.1');
    const closed = once(client, 'close');
    expect(await closed).toBeDefined();
  });
});
