import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';

const HOST = '127.0.0.1';

/** The emulator takes a moment to see that streams have ended, and would not see it any more without their connection. */
const STREAMS_END_WITHIN_MS = 10_000;

// HTTP/2, RFC 9113: the client's preface (3.4), and frames (4.1, 6.1, 6.2, 6.4).
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const FRAME_HEADER_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const END_STREAM = 1;

/** An empty frame that ends the client's side of a stream. */
const endOf = (streamId: number): Buffer => {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES);
  frame.writeUInt8(DATA, 3);
  frame.writeUInt8(END_STREAM, 4);
  frame.writeUInt32BE(streamId, 5);
  return frame;
};

/**
 * What a client sends, in whole frames, and at its end the end of every stream that the client itself has neither ended nor
 * cancelled. HTTP/1 passes as it is.
 */
class ClientSide extends Transform {
  /** The streams that it has to end, or has ended so. */
  readonly open = new Set<number>();
  #protocol: 'unknown' | 'http1' | 'http2' = 'unknown';
  #rest: Buffer = Buffer.alloc(0);

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const end = this.#passable();
    if (end > 0) this.push(this.#rest.subarray(0, end));
    this.#rest = this.#rest.subarray(end);
    done();
  }

  override _flush(done: TransformCallback): void {
    for (const streamId of this.open) this.push(endOf(streamId));
    done();
  }

  /** How many bytes of the rest may pass. */
  #passable(): number {
    let end = 0;
    if (this.#protocol === 'unknown') {
      const known = Math.min(this.#rest.length, PREFACE.length);
      const isPreface = this.#rest.subarray(0, known).equals(PREFACE.subarray(0, known));
      if (isPreface && known < PREFACE.length) return 0;
      this.#protocol = isPreface ? 'http2' : 'http1';
      end = PREFACE.length;
    }
    if (this.#protocol === 'http1') return this.#rest.length;
    while (this.#rest.length >= end + FRAME_HEADER_BYTES) {
      const next = end + FRAME_HEADER_BYTES + this.#rest.readUIntBE(end, 3);
      if (this.#rest.length < next) break;
      this.#follow(this.#rest.subarray(end, next));
      end = next;
    }
    return end;
  }

  #follow(frame: Buffer): void {
    const [type, flags] = [frame.readUInt8(3), frame.readUInt8(4)];
    const streamId = frame.readUInt32BE(5) & 0x7fffffff;
    const isEnd = (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0;
    if (type === HEADERS) this.open.add(streamId);
    if (type === RST_STREAM || isEnd) this.open.delete(streamId);
  }
}

/**
 * Opens a way to the Pub/Sub emulator on which the streams of a client end with its connection, as they do in Cloud
 * Pub/Sub. The emulator (0.8) sees only that a client ends a stream, not that it is gone: it goes on offering messages to
 * the streams of a process that was killed, until their deadline, which is 15 minutes.
 *
 * @param port of the emulator, on loopback
 */
export const openPubsubProxy = async (port: number) => {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => {}); // `close` follows
    socket.once('close', () => sockets.delete(socket));
    return socket.setNoDelay(true);
  };
  const server = createServer((socket) => {
    const client = keep(socket);
    const emulator = keep(connect(port, HOST));
    const clientSide = new ClientSide();
    client.pipe(clientSide, { end: false }).pipe(emulator, { end: false });
    emulator.pipe(client);
    client.once('close', () => {
      clientSide.end();
      // Unread answers would keep it open.
      emulator.resume();
    });
    clientSide.once('end', () => {
      if (clientSide.open.size === 0) emulator.end();
      else setTimeout(() => emulator.end(), STREAMS_END_WITHIN_MS).unref();
    });
    emulator.once('close', () => client.destroy());
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  // What fails to start has no proxy that it could close.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    /** Ends it and every connection through it. */
    close: async (): Promise<void> => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
export type Proxy = Awaited<ReturnType<typeof openPubsubProxy>>;
