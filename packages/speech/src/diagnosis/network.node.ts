import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { createConnection, isIP, type Socket } from 'node:net';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { TalebackError } from '@taleback/core';

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
  readonly address: string;
  /**
   * @param host the name that the certificate has to be made out for
   * @throws the error of the socket when the other side hangs up, or the signal's reason
   */
  readonly handshake: (host: string, signal: AbortSignal) => Promise<TlsFinding>;
  /** Safe to call again. */
  readonly close: () => void;
}

/** The network, as far as a diagnosis needs it. Each call ends with its signal and leaves no socket open. */
export interface NetworkProbe {
  /** All addresses of a name. @throws the error of the resolver, such as ENOTFOUND */
  readonly resolve: (name: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** The first of the addresses that answers. @throws the most specific error of the sockets, such as ECONNREFUSED */
  readonly connect: (
    addresses: readonly string[],
    port: number,
    signal: AbortSignal,
  ) => Promise<ProbeConnection>;
}

/** A place that is diagnosed, without credentials, path and query. */
export interface DiagnosisTarget {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether the connection is made over TLS. */
  readonly secure: boolean;
  /** False for an address, which needs no DNS. */
  readonly isName: boolean;
  /** For people, such as `https://tts.example.com:8443`. */
  readonly label: string;
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 };

/**
 * The place that an address names. The rest of the address may be secret and is dropped.
 *
 * @throws TalebackError `request_invalid` unless it is http, https, ws or wss; the address is not repeated
 */
export const parseTarget = (address: string): DiagnosisTarget => {
  const url = URL.parse(address);
  const standard = url === null ? undefined : PORTS[url.protocol];
  if (url === null || standard === undefined) {
    throw new TalebackError('request_invalid', 'The address is not http, https, ws or wss.');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port === '' ? standard : Number(url.port),
    secure: standard === 443,
    isName: isIP(host) === 0,
    label: `${url.protocol}//${url.host}`,
  };
};

export interface NetworkProbeOptions {
  /** Certificates (PEM) of trusted authorities, in place of those that Node trusts. */
  readonly authorities?: readonly string[] | undefined;
}

/** A name may stand for dozens of machines; some of them are enough. */
const MAX_ADDRESSES = 4;

/**
 * The network of this machine.
 *
 * @example
 * import { createNetworkProbe } from '@taleback/speech/diagnosis';
 * const addresses = await createNetworkProbe().resolve('127.0.0.1', AbortSignal.timeout(1_000));
 * console.log(addresses); // [ '127.0.0.1' ]
 */
export const createNetworkProbe = ({ authorities }: NetworkProbeOptions = {}): NetworkProbe => ({
  resolve: async (name, signal) => {
    signal.throwIfAborted();
    const found = await dns.lookup(name, { all: true });
    return found.map(({ address }) => address);
  },
  connect: async (addresses, port, signal) => {
    const sockets = addresses.slice(0, MAX_ADDRESSES).map((host) => ({
      host,
      socket: createConnection({ host, port }),
    }));
    try {
      const { socket, host: address } = await Promise.any(
        sockets.map(async (each) => {
          await opened(each.socket, signal);
          return each;
        }),
      );
      for (const other of sockets) if (other.socket !== socket) other.socket.destroy();
      // Without a listener a reset after the connect would be an uncaught exception.
      socket.on('error', () => {});
      return {
        address,
        handshake: (host, stop) => handshake(socket, host, stop, authorities),
        close: () => void socket.destroy(),
      };
    } catch (error) {
      for (const { socket } of sockets) socket.destroy();
      throw tellingError(error);
    }
  },
});

/** Settles with the socket's first connect or error; a signal destroys it. */
const opened = async (socket: Socket, signal: AbortSignal): Promise<void> => {
  try {
    await once(socket, 'connect', { signal });
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw error;
  }
};

/** A refusal says more than a missing route: a machine was there. */
const tellingError = (error: unknown): unknown => {
  if (!(error instanceof AggregateError)) return error;
  const errors = error.errors as NodeJS.ErrnoException[];
  return errors.find(({ code }) => code === 'ECONNREFUSED') ?? errors[0] ?? error;
};

/** @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const TROUBLES: Readonly<Record<string, TlsTrouble>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong-host',
};

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : String(error);
};

/** The fields of a certificate that operators need. */
const describeCertificate = (certificate: PeerCertificate): string =>
  [
    `certificate of ${String(certificate.subject?.CN ?? '?')}`,
    ...(certificate.subjectaltname === undefined ? [] : [`for ${certificate.subjectaltname}`]),
    `by ${String(certificate.issuer?.CN ?? '?')}`,
    `valid from ${certificate.valid_from} to ${certificate.valid_to}`,
  ].join(', ');

const findingOf = (socket: TLSSocket): TlsFinding => {
  if (socket.authorized) return { ok: true, protocol: socket.getProtocol() ?? 'TLS' };
  const code = codeOf(socket.authorizationError);
  const words = `${code}: ${describeCertificate(socket.getPeerCertificate())}`;
  return { ok: false, trouble: TROUBLES[code] ?? 'untrusted', words };
};

/**
 * A TLS handshake over an open connection. An untrusted certificate is examined instead of refused, because nothing is sent
 * over the connection.
 */
const handshake = async (
  socket: Socket,
  host: string,
  signal: AbortSignal,
  authorities: readonly string[] | undefined,
): Promise<TlsFinding> => {
  const secure = connect({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
    rejectUnauthorized: false,
  });
  // Also after the handshake an error would be an uncaught exception without a listener.
  secure.on('error', () => {});
  try {
    await once(secure, 'secureConnect', { signal });
    return findingOf(secure);
  } catch (error) {
    signal.throwIfAborted();
    // An error of OpenSSL, not of the socket.
    const isOfTls = /^(ERR_SSL_|EPROTO)/.test(codeOf(error));
    if (isOfTls) return { ok: false, trouble: 'protocol', words: (error as Error).message };
    throw error;
  } finally {
    secure.destroy();
  }
};
