export interface SocketRequest {
  /** `wss:` or `ws:`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted, it cuts the connection off, before and after it is open. */
  readonly signal: AbortSignal | undefined;
}

export type SocketMessage =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The last one. Code 1006 is a connection that was lost without a word. */
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

/** An open connection. Whoever opened it closes it. */
export interface SpeechSocket {
  readonly send: (text: string) => void;
  /**
   * The next message, in order; one call at a time, none after `closed`.
   *
   * @throws TalebackError what `cancellationOf` makes of the signal
   */
  readonly receive: () => Promise<SocketMessage>;
  /** Says goodbye and does not wait for the answer. Safe at any time. */
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
