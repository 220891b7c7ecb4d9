import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { withDeadline } from '@taleback/resilience';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { AddressRefusedError, type Post } from './message.ts';
import { isPublicAddress } from './public-address.node.ts';

/** @see docs/origins.md#delivery */
const TIMEOUT_MS = 10_000;
const EXCERPT_CHARACTERS = 300;
/** Our receivers answer with a line. What is longer, and than the excerpt, is not read to its end. */
const MAX_ANSWER_BYTES = 65_536;
/** To one receiver. */
const MAX_CONNECTIONS = 16;
/** Shorter than the 5 s after which Node's servers hang up, so that no request meets a closing connection. */
const KEEP_ALIVE_MS = 4_000;

export interface HttpPostOptions {
  /** Whether addresses of this machine and of private networks may be posted to, with or without TLS. */
  readonly allowPrivate: boolean;
  /** Whether public addresses may be posted to without TLS. Default false. */
  readonly allowPlainHttp?: boolean;
  /** Time for one try, connection and answer together, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** How much of an answer is kept. Default 300. */
  readonly excerptCharacters?: number | undefined;
  /** Replaces the resolver in tests. */
  readonly resolveName?: ResolveName | undefined;
}

/** All addresses of a name, as `dns.lookup` gives them. */
type ResolveName = (
  name: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface HttpPost {
  readonly post: Post;
  readonly close: () => Promise<void>;
}

/** Resolves a name to allowed addresses only: what is connected to is what was judged. */
const lookupAllowed =
  (resolveName: ResolveName, isAllowed: (address: string) => boolean): LookupFunction =>
  (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (first === undefined) {
        const isPublic = addresses.some(({ address }) => isPublicAddress(address));
        return callback(new AddressRefusedError(hostname, isPublic ? 'plain-http' : 'private'), []);
      }
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };

/** Connects to allowed addresses only. An IP address in the URL is never looked up, so it is judged here. */
const createConnector = (options: HttpPostOptions): buildConnector.connector => {
  const { allowPrivate, allowPlainHttp = false, timeoutMs = TIMEOUT_MS, resolveName = lookup } = options;
  const judging = (mayBePublic: boolean) => {
    const isAllowed = (address: string) => (isPublicAddress(address) ? mayBePublic : allowPrivate);
    const connect = buildConnector({ timeout: timeoutMs, lookup: lookupAllowed(resolveName, isAllowed) });
    return { isAllowed, connect };
  };
  const [encrypted, plain] = [judging(true), judging(allowPlainHttp)];
  return (target, callback) => {
    const { isAllowed, connect } = target.protocol === 'https:' ? encrypted : plain;
    const host = target.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) === 0 || isAllowed(host)) return connect(target, callback);
    return callback(new AddressRefusedError(host, isPublicAddress(host) ? 'plain-http' : 'private'), null);
  };
};

/** The beginning of an answer. @throws when the answer breaks off before its end or the limit */
const readAnswer = async (
  body: Dispatcher.ResponseData['body'],
  excerptCharacters: number,
): Promise<string> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes >= Math.max(MAX_ANSWER_BYTES, excerptCharacters)) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, excerptCharacters);
};

/** Posts over pooled connections. A redirect is an answer like any other: a signature covers one path only. */
export const createHttpPost = (options: HttpPostOptions): HttpPost => {
  const { timeoutMs = TIMEOUT_MS, excerptCharacters = EXCERPT_CHARACTERS } = options;
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: createConnector(options),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  return {
    post: (url, headers, body, signal) =>
      withDeadline(
        async (limited) => {
          const sent = { method: 'POST', headers, body, dispatcher: agent, signal: limited } as const;
          const answer = await request(url, sent);
          const [retryAfter] = [answer.headers['retry-after']].flat();
          const excerpt = await readAnswer(answer.body, excerptCharacters);
          return { status: answer.statusCode, retryAfter, excerpt };
        },
        timeoutMs,
        { signal },
      ),
    close: () => agent.close(),
  };
};
