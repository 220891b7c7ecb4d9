import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, BlockList, isIP, type Server } from 'node:net';

/** A server that a browser on this machine could reach. */
export interface LocalServer {
  /** The address that it listens on. */
  readonly host: string;
  /** Names under which it is reached besides `localhost`, as proxies and containers call it. */
  readonly names?: readonly string[] | undefined;
}

export interface LocalRefusal {
  readonly status: 403 | 415;
  readonly error: string;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const familyOf = (name: string): 'ipv4' | 'ipv6' | undefined =>
  (({ 4: 'ipv4', 6: 'ipv6' }) as const)[isIP(name)];

/**
 * Whether an address or name is this machine's own.
 *
 * @example
 * console.log(isLoopback('127.0.0.1'), isLoopback('0.0.0.0')); // true false
 */
export const isLoopback = (name: string): boolean => {
  const family = familyOf(name);
  return family === undefined ? name === 'localhost' : loopback.check(name, family);
};

/** The name in a `Host` header, or behind the `http://` of an origin; undefined when it is none. */
const nameIn = (authority: string): string | undefined => {
  const [, bracketed, plain] =
    /^(?:\[([\da-f:.]+)\]|([^\s:@/?#[\]\\]+))(?::\d{1,5})?$/i.exec(authority) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
};

const MAX_QUOTED_CHARACTERS = 100;

const isChange = (method = ''): boolean => method !== 'GET' && method !== 'HEAD';

/**
 * Why a server of this machine does not take a request; undefined when it does. A page of another site can neither
 * reach it under a name of its own (DNS rebinding) nor from its own origin, and what changes something is JSON, which
 * pages cannot send elsewhere unasked. Where the server listens beyond loopback, it may be called by any IP address,
 * because only a name can be rebound.
 *
 * @example
 * const headers = { host: 'rebound.example' };
 * console.log(refuseForeign({ method: 'GET', headers }, { host: '127.0.0.1' })?.status); // 403
 */
export const refuseForeign = (
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  { host: listensOn, names = [] }: LocalServer,
): LocalRefusal | undefined => {
  const isOurs = (name: string): boolean =>
    isLoopback(name) || name === listensOn.toLowerCase() || names.some((one) => one.toLowerCase() === name);
  // Every browser names the host; programs that speak HTTP/1.0 may not.
  const host = headers.host === undefined ? listensOn : nameIn(headers.host);
  const isReachable = !isLoopback(listensOn) && host !== undefined && isIP(host) !== 0;
  if (host === undefined || !(isOurs(host) || isReachable)) {
    const quoted = headers.host?.slice(0, MAX_QUOTED_CHARACTERS);
    return {
      status: 403,
      error: `Unknown host "${quoted}": only localhost and configured names are served.`,
    };
  }
  const { origin } = headers;
  const originName = origin === undefined ? host : nameIn(origin.replace(/^https?:\/\//i, ''));
  if (originName === undefined || !(isOurs(originName) || originName === host))
    return { status: 403, error: 'Requests from pages of other sites are not taken.' };
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (isChange(method) && (hasBody || type !== undefined) && type !== 'application/json')
    return { status: 415, error: 'The body must be application/json.' };
  return undefined;
};

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Whether an `Authorization` header holds a token, with or without "Bearer".
 *
 * @example
 * console.log(bearsToken('Bearer secret', 'secret'), bearsToken(undefined, 'secret')); // true false
 */
export const bearsToken = (authorization: string | undefined, token: string): boolean =>
  token !== '' && timingSafeEqual(hashOf(authorization?.replace(/^Bearer /i, '') ?? ''), hashOf(token));

/**
 * Lets a server listen; port 0 takes any free one.
 *
 * @returns HOST:PORT as an address has it
 * @throws the error of `listen`, such as EADDRINUSE
 *
 * @example
 * import { createServer } from 'node:http';
 * import { listenAt } from '@taleback/outbox';
 * const server = createServer((_request, response) => response.end());
 * const place = await listenAt(server, { host: '127.0.0.1', port: 0 });
 * console.log((await fetch(`http://${place}`)).status); // 200
 * server.close();
 */
export const listenAt = async (
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> => {
  await once(server.listen(port, host), 'listening');
  return `${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
};

/** What is read of a body that is too large, so that its sender gets the answer before the connection ends. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

/**
 * The body of a request, or undefined when it is larger.
 *
 * @example
 * import { Readable } from 'node:stream';
 * import { readBody } from '@taleback/outbox';
 * console.log(await readBody(Readable.from([Buffer.from('too much')]), 4)); // undefined
 */
export const readBody = async (
  request: AsyncIterable<Buffer>,
  maxBytes: number,
): Promise<Buffer | undefined> => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    sizeBytes += part.byteLength;
    if (sizeBytes <= maxBytes) parts.push(part);
    else if (sizeBytes > MAX_DISCARDED_BYTES) break;
  }
  return sizeBytes > maxBytes ? undefined : Buffer.concat(parts);
};
