import { toTalebackError } from '@taleback/core';
import type { ClientOptions, RawData } from 'ws';
import { cancellationOf, throwIfCancelled } from '../../cancellation.ts';
import { flatHeaders, type HttpHeaders } from '../remote/speech-http.node.ts';

export interface Conversation {
  /** `wss:` or `ws:`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted, it cuts the connection, before and after it is open. */
  readonly signal: AbortSignal | undefined;
  /** Sent when the connection is open. None: it is closed then. */
  readonly frames: readonly string[];
  /** Called with each message, in order. What it throws ends the conversation. @returns whether it is the last one */
  readonly onMessage: (message: string | Uint8Array<ArrayBuffer>) => boolean;
}

export type ConversationEnd =
  | { readonly kind: 'done'; readonly status: 101 }
  /** The connection ended before the last message. Code 1006: without a close frame. */
  | { readonly kind: 'closed'; readonly status: 101; readonly code: number; readonly reason: string }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: HttpHeaders };

/** `closeTimeout` is missing in the types. Times in ms. */
const LIMITS: ClientOptions & { readonly closeTimeout: number } = {
  // The timeout of the speech itself is the caller's.
  handshakeTimeout: 10_000,
  // Wait for the other side's close frame before the connection is cut.
  closeTimeout: 1_000,
  // The service's frames are a few KB.
  maxPayload: 4 * 2 ** 20,
  followRedirects: false,
};

const NORMAL_CLOSURE = 1000;

const bytesOf = (data: RawData): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer));

/**
 * A conversation over a WebSocket of its own, which is closed at its end without waiting for the other side.
 *
 * @throws TalebackError `dns_failed`, `network_unreachable`, `tls_failed`, `timed_out`, and what `cancellationOf` makes of
 * the signal.
 */
export const converse = async (conversation: Conversation): Promise<ConversationEnd> => {
  const { url, headers, signal, frames, onMessage } = conversation;
  const { WebSocket } = await import('ws');
  throwIfCancelled(signal);
  const { promise, resolve, reject } = Promise.withResolvers<ConversationEnd>();
  const ws = new WebSocket(url, { ...LIMITS, headers });
  let lastFault: Error | undefined;
  let isOpen = false;

  ws.on('open', () => {
    isOpen = true;
    for (const frame of frames) ws.send(frame, () => {});
    if (frames.length === 0) resolve({ kind: 'done', status: 101 });
  });
  ws.on('message', (data, isBinary) => {
    try {
      const bytes = bytesOf(data);
      const isLast = onMessage(isBinary ? bytes : Buffer.from(bytes).toString('utf8'));
      if (isLast) resolve({ kind: 'done', status: 101 });
    } catch (error) {
      reject(error);
    }
  });
  ws.on('error', (error) => {
    lastFault = error;
    // A connection that was open is reported by `close`.
    if (!isOpen) reject(toTalebackError(error));
  });
  ws.on('close', (code, reason) => {
    const words = reason.toString('utf8') || (lastFault?.message ?? '');
    resolve({ kind: 'closed', status: 101, code, reason: words });
  });
  ws.on('unexpected-response', (_request, { statusCode = 0, headers: answered }) =>
    resolve({ kind: 'refused', status: statusCode, headers: flatHeaders(answered) }),
  );
  const onAbort = (): void => {
    ws.terminate();
    if (signal !== undefined) reject(cancellationOf(signal));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    ws.close(NORMAL_CLOSURE);
  }
};
