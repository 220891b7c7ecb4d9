/** What is wrong with the certificate or the handshake of a server. */
export type TlsTrouble =
  | 'expired'
  | 'not-yet-valid'
  | 'self-signed'
  | 'wrong-host'
  | 'untrusted'
  | 'protocol';

/** How a handshake ended that took place. */
export type TlsFinding =
  /** Such as `TLSv1.3`. */
  | { readonly ok: true; readonly protocol: string }
  /** Words for operators, such as what the certificate is valid for. */
  | { readonly ok: false; readonly trouble: TlsTrouble; readonly words: string };

/** An open connection. Nothing of ours is ever written to it but the handshake. */
export interface ProbeConnection {
  /** The address that answered. */
  readonly address: string;
  /**
   * @param host the name that the certificate has to be made out for
   * @throws what the socket says when the other side hangs up, or the signal's reason
   */
  readonly handshake: (host: string, signal: AbortSignal) => Promise<TlsFinding>;
  /** Safe to call again. */
  readonly close: () => void;
}

/** Port: the network, as far as a diagnosis needs it. Each call ends with its signal and leaves no socket open. */
export interface NetworkProbe {
  /** All addresses of a name. @throws what the resolver says, such as ENOTFOUND */
  readonly resolve: (name: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** The first of the addresses that answers. @throws what the best of the sockets says, such as ECONNREFUSED */
  readonly connect: (
    addresses: readonly string[],
    port: number,
    signal: AbortSignal,
  ) => Promise<ProbeConnection>;
}
