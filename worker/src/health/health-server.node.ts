import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerHealth, faultAnswer, type HealthSources } from './health-answer.ts';
import { describeFault, type Log } from '@taleback/core';

export interface HealthServerOptions extends HealthSources {
  /** Default 127.0.0.1: the figures are not public unless the operator says so. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly log: Log;
}

export interface HealthServer {
  /** Without a path, such as `http://127.0.0.1:9464`. */
  readonly url: string;
  /** Takes no more requests, lets answers under way go out, then ends every connection. */
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
/** A probe or a scrape is one line of text: a client that needs longer than 10 s is stuck. */
const LIMITS = { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8_192 } as const;
/** A few probes and scrapers. */
const MAX_CONNECTIONS = 128;
/** A breaker's name in JSON. */
const MAX_BODY_BYTES = 4_096;
/** Longest time for answers under way when the server closes. */
const CLOSE_GRACE_MS = 1_000;

const listen = (server: Server, host: string, port: number): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });

/** @throws SyntaxError when it is longer than any request of ours */
const readShort = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    sizeBytes += part.byteLength;
    if (sizeBytes > MAX_BODY_BYTES) throw new SyntaxError('it is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/**
 * Answers probes, Prometheus and people: `/health/live`, `/health/ready`, `/health/status`, `/metrics`.
 *
 * @throws the error of `listen`, such as EADDRINUSE
 */
export const openHealthServer = async (options: HealthServerOptions): Promise<HealthServer> => {
  const { host = LOOPBACK, log } = options;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      contentType: request.headers['content-type'],
      readBody: () => readShort(request),
    };
    const reply = await answerHealth(asked, options).catch((error: unknown) => {
      log('error', 'health figures failed', { path: request.url, error: describeFault(error) });
      return faultAnswer();
    });
    if (!server.listening) response.setHeader('connection', 'close');
    response.writeHead(reply.status, reply.headers).end(reply.body);
  };
  const server = createServer(LIMITS, (request, response) => void answer(request, response));
  server.maxConnections = MAX_CONNECTIONS;
  const { port } = await listen(server, host, options.port);
  const hostInUrl = host.includes(':') ? `[${host}]` : host;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${hostInUrl}:${port}`,
    close: () => (closing ??= closeServer(server)),
  };
};
