import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** A TCP proxy on loopback. */
export interface Proxy {
  readonly port: number;
  /** Ends it and every connection through it. */
  readonly close: () => Promise<void>;
}

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

interface ClientSide {
  /**
   * What a client sends, in whole frames, and at its end the end of every stream that the client itself has neither ended
   * nor cancelled. HTTP/1 passes as it is.
   */
  readonly through: Transform;
  /** The streams that it has to end, or has ended so. */
  readonly open: ReadonlySet<number>;
}

const followClient = (): ClientSide => {
  const open = new Set<number>();
  let protocol: 'unknown' | 'http1' | 'http2' = 'unknown';
  let rest: Buffer = Buffer.alloc(0);

  const follow = (type: number, flags: number, streamId: number): void => {
    if (type === HEADERS) open.add(streamId);
    if (type === RST_STREAM || ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0))
      open.delete(streamId);
  };
  const wholeFrames = (from: number): number => {
    let end = from;
    while (rest.length >= end + FRAME_HEADER_BYTES) {
      const next = end + FRAME_HEADER_BYTES + rest.readUIntBE(end, 3);
      if (rest.length < next) break;
      follow(rest.readUInt8(end + 3), rest.readUInt8(end + 4), rest.readUInt32BE(end + 5) & 0x7fffffff);
      end = next;
    }
    return end;
  };
  const passable = (): number => {
    if (protocol === 'http1') return rest.length;
    if (protocol === 'http2') return wholeFrames(0);
    const known = Math.min(rest.length, PREFACE.length);
    if (!rest.subarray(0, known).equals(PREFACE.subarray(0, known))) {
      protocol = 'http1';
      return rest.length;
    }
    if (known < PREFACE.length) return 0;
    protocol = 'http2';
    return wholeFrames(known);
  };

  const through = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const end = passable();
      if (end > 0) this.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      done();
    },
    flush(done) {
      for (const streamId of open) this.push(endOf(streamId));
      done();
    },
  });
  return { through, open };
};

/**
 * Opens a way to the Pub/Sub emulator on which the streams of a client end with its connection, as they do in Cloud
 * Pub/Sub. The emulator (0.8) sees only that a client ends a stream, not that it is gone: it goes on offering messages to
 * the streams of a process that was killed, until their deadline, which is 15 minutes.
 *
 * @param port of the emulator, on loopback
 */
export const openPubsubProxy = async (port: number): Promise<Proxy> => {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // Whatever went wrong, `close` follows.
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const emulator = connect(port, HOST);
    keep(client);
    keep(emulator);
    const { through, open } = followClient();
    client.pipe(through, { end: false }).pipe(emulator, { end: false });
    emulator.pipe(client);
    client.once('close', () => {
      through.end();
      // Nobody reads its answers any more, and unread ones would keep it open.
      emulator.resume();
    });
    through.once('end', () => {
      if (open.size === 0) emulator.end();
      else setTimeout(() => emulator.end(), STREAMS_END_WITHIN_MS).unref();
    });
    emulator.once('close', () => client.destroy());
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  // Whoever fails to start has nothing that it could close.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
