import { isIP, type Socket } from 'node:net';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { TlsFinding, TlsTrouble } from '@taleback/speech/src/diagnosis/index.ts';

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

const nameIn = (names: { readonly CN?: string | string[] } | undefined): string => String(names?.CN ?? '?');

/** What the certificate says of itself, for operators. */
const describeCertificate = (certificate: PeerCertificate): string =>
  [
    `certificate of ${nameIn(certificate.subject)}`,
    ...(certificate.subjectaltname === undefined ? [] : [`for ${certificate.subjectaltname}`]),
    `by ${nameIn(certificate.issuer)}`,
    `valid from ${certificate.valid_from} to ${certificate.valid_to}`,
  ].join(', ');

const findingOf = (socket: TLSSocket): TlsFinding => {
  if (socket.authorized) return { ok: true, protocol: socket.getProtocol() ?? 'TLS' };
  const code = codeOf(socket.authorizationError);
  const words = `${code}: ${describeCertificate(socket.getPeerCertificate())}`;
  return { ok: false, trouble: TROUBLES[code] ?? 'untrusted', words };
};

/** What OpenSSL says of a handshake that came to no end; a socket's own errors are not among it. */
const isProtocolError = (error: unknown): boolean => /^(ERR_SSL_|EPROTO)/.test(codeOf(error));

/**
 * A TLS handshake over an open connection. A certificate that is not trusted is looked at instead of refused, because
 * nothing is sent over the connection.
 */
export const handshake = (
  socket: Socket,
  host: string,
  signal: AbortSignal,
  authorities?: readonly string[],
): Promise<TlsFinding> =>
  new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(authorities === undefined ? {} : { ca: [...authorities] }),
      rejectUnauthorized: false,
    });
    const leave = (end: () => void): void => {
      signal.removeEventListener('abort', stop);
      end();
      secure.destroy();
    };
    const stop = (): void => leave(() => reject(signal.reason as Error));
    signal.addEventListener('abort', stop, { once: true });
    secure.once('secureConnect', () => leave(() => resolve(findingOf(secure))));
    secure.on('error', (error) =>
      leave(() => {
        if (isProtocolError(error)) resolve({ ok: false, trouble: 'protocol', words: error.message });
        else reject(error);
      }),
    );
    if (signal.aborted) stop();
  });
