import { toTalebackError } from '@taleback/core';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import { cancellationOf, throwIfCancelled } from '../../cancellation.ts';
import { flatHeaders } from '../remote/speech-http.node.ts';

export interface SocketRequest {
  /** `wss:` or `ws:`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted, it cuts the connection, before and after it is open. */
  readonly signal: AbortSignal | undefined;
}

export type SocketMessage =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The last one. Code 1006 is a connection that was lost without a close frame. */
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

/** An open connection, closed by the code that opened it. */
export interface SpeechSocket {
  readonly send: (text: string) => void;
  /**
   * The next message, in order; one call at a time, none after `closed`.
   *
   * @throws TalebackError what `cancellationOf` makes of the signal
   */
  readonly receive: () => Promise<SocketMessage>;
  /** Sends a close frame and does not wait for the answer. Safe at any time. */
  readonly close: () => void;
}

export type SocketOpening =
  | { readonly kind: 'open'; readonly socket: SpeechSocket }
  /** The handshake was answered with another status than 101; header names in lower case. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | undefined>>;
    };

/**
 * Opens a WebSocket.
 *
 * @throws TalebackError `dns_failed`, `network_unreachable`, `tls_failed`, `timed_out`, and what `cancellationOf` makes of
 * the signal.
 */
export type ConnectSocket = (request: SocketRequest) => Promise<SocketOpening>;

/** ms. The timeout of the speech itself is the caller's. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Wait for the other side's close frame before the connection is cut, ms. */
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

interface Receiver {
  readonly resolve: (message: SocketMessage) => void;
  readonly reject: (error: unknown) => void;
}

/** WebSockets of the package ws. An aborted signal cuts the connection at once. */
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
      // Only the handshake waits for this; later the `close` event reports it.
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
      resolve({ kind: 'refused', status: response.statusCode ?? 0, headers: flatHeaders(response.headers) });
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
