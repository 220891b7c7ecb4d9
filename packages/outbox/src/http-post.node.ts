import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { withDeadline } from '@taleback/resilience';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { AddressRefusedError, type Post } from './message.ts';
import { isPublicAddress } from './public-address.node.ts';

/** @see docs/origins.md#delivery */
const TIMEOUT_MS = 10_000;
const MAX_EXCERPT_CHARACTERS = 300;
/** Our receivers answer with a line. What is longer is not read to its end. */
const MAX_ANSWER_BYTES = 65_536;
/** To one receiver. */
const MAX_CONNECTIONS = 16;
/** Shorter than the 5 s after which Node's servers hang up, so that no request meets a closing connection. */
const KEEP_ALIVE_MS = 4_000;

export interface HttpPostOptions {
  /** Whether addresses of this machine and of private networks may be posted to. */
  readonly allowPrivate: boolean;
  /** Time for one try, connection and answer together, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
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

/** Resolves a name to its public addresses only: what is connected to is what was judged. */
const lookupPublic =
  (resolveName: ResolveName): LookupFunction =>
  (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = allowed;
      if (first === undefined) return callback(new AddressRefusedError(hostname), []);
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };

/** Connects to public addresses only. An IP address in the URL is never looked up, so it is judged here. */
const connectPublicly = (timeoutMs: number, resolveName: ResolveName): buildConnector.connector => {
  const connect = buildConnector({ timeout: timeoutMs, lookup: lookupPublic(resolveName) });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !isPublicAddress(host)) return callback(new AddressRefusedError(host), null);
    return connect(target, callback);
  };
};

/** The beginning of an answer. @throws when the answer breaks off before its end or the limit */
const readAnswer = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes >= MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, MAX_EXCERPT_CHARACTERS);
};

/** Posts over pooled connections. A redirect is an answer like any other: a signature covers one path only. */
export const createHttpPost = ({
  allowPrivate,
  timeoutMs = TIMEOUT_MS,
  resolveName = lookup,
}: HttpPostOptions): HttpPost => {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: allowPrivate ? { timeout: timeoutMs } : connectPublicly(timeoutMs, resolveName),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  return {
    post: (url, headers, body, signal) =>
      withDeadline(
        async (limited) => {
          const options = { method: 'POST', headers, body, dispatcher: agent, signal: limited } as const;
          const answer = await request(url, options);
          const [retryAfter] = [answer.headers['retry-after']].flat();
          return { status: answer.statusCode, retryAfter, excerpt: await readAnswer(answer.body) };
        },
        timeoutMs,
        { signal },
      ),
    close: () => agent.close(),
  };
};
