import { toTalebackError } from '@taleback/core';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import type { ConnectSocket, SocketMessage, SocketOpening } from '../edge/speech-socket.ts';
import { cancellationOf, throwIfCancelled } from '../index.ts';

/** To find out that nobody opens, ms. The time of the speech itself is the caller's. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The other side's goodbye is waited for so long before the connection is cut, ms. */
const CLOSE_TIMEOUT_MS = 1_000;
/** The service's frames are a few KB. */
const MAX_MESSAGE_BYTES = 4 * 2 ** 20;

/** `closeTimeout` is missing in the types. */
const LIMITS: ClientOptions & { readonly closeTimeout: number } = {
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  closeTimeout: CLOSE_TIMEOUT_MS,
  maxPayload: MAX_MESSAGE_BYTES,
  followRedirects: false,
};

const NORMAL_CLOSURE = 1000;

const bytesOf = (data: RawData): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer));

const flat = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );

interface Receiver {
  readonly resolve: (message: SocketMessage) => void;
  readonly reject: (error: unknown) => void;
}

/** WebSockets of the package ws. An aborted signal cuts the connection off at once, whatever is under way. */
export const connectWebSocket: ConnectSocket = (request) =>
  new Promise<SocketOpening>((resolve, reject) => {
    const { url, headers, signal } = request;
    throwIfCancelled(signal);
    const ws = new WebSocket(url, { ...LIMITS, headers });
    const arrived: SocketMessage[] = [];
    let receiver: Receiver | undefined;
    let lastFault: Error | undefined;

    const deliver = (message: SocketMessage): void => {
      if (receiver === undefined) arrived.push(message);
      else receiver.resolve(message);
      receiver = undefined;
    };
    const onAbort = (): void => {
      ws.terminate();
      if (signal === undefined) return;
      reject(cancellationOf(signal));
      receiver?.reject(cancellationOf(signal));
      receiver = undefined;
    };
    const forget = (): void => signal?.removeEventListener('abort', onAbort);
    signal?.addEventListener('abort', onAbort, { once: true });

    ws.on('error', (error) => {
      lastFault = error;
      // Only the handshake is still waiting for this; later the end of the connection tells it.
      reject(toTalebackError(error));
    });
    ws.on('message', (data, isBinary) => {
      const bytes = bytesOf(data);
      deliver(
        isBinary ? { kind: 'binary', bytes } : { kind: 'text', text: Buffer.from(bytes).toString('utf8') },
      );
    });
    ws.on('close', (code, reason) => {
      forget();
      deliver({ kind: 'closed', code, reason: reason.toString('utf8') || (lastFault?.message ?? '') });
    });
    ws.once('unexpected-response', (_request, response) => {
      resolve({ kind: 'refused', status: response.statusCode ?? 0, headers: flat(response.headers) });
      ws.terminate();
    });
    ws.once('open', () => {
      resolve({
        kind: 'open',
        socket: {
          send: (text) => ws.send(text, () => {}),
          receive: () =>
            new Promise<SocketMessage>((resolve, reject) => {
              if (signal?.aborted === true) {
                reject(cancellationOf(signal));
                return;
              }
              const next = arrived.shift();
              if (next === undefined) receiver = { resolve, reject };
              else resolve(next);
            }),
          close: () => {
            forget();
            ws.close(NORMAL_CLOSURE);
          },
        },
      });
    });
  });
