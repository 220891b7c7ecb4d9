import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describeFault, isRecord, type Log } from '@taleback/core';
import { bearsToken, listenAt, readBody, refuseForeign } from '@taleback/outbox';
import type { Readiness, ServicePhase } from '@taleback/speech/operations';

/** How long a stop may take beyond its drain time before the process counts as stuck, ms. */
const STOP_GRACE_MS = 10_000;

export interface Liveness {
  readonly alive: boolean;
  /** Why it should be ended; absent while it lives. */
  readonly reason?: string;
}

/**
 * Decides whether the process is worth keeping. That it answers at all shows that its event loop turns; only a stop
 * that does not come to its end makes it dead.
 *
 * @param drainMs what a stop may take for the work under way
 */
export const decideLiveness = (phase: ServicePhase, drainMs: number, nowMs: number): Liveness => {
  if (phase.kind !== 'stopping') return { alive: true };
  const stoppingMs = nowMs - phase.sinceMs;
  return stoppingMs <= drainMs + STOP_GRACE_MS
    ? { alive: true }
    : { alive: false, reason: `It has been stopping for ${Math.round(stoppingMs / 1_000)} s.` };
};

/** Of an engine, or of all; false when there is no engine of this name. */
type Change = (name: string | undefined) => boolean | Promise<void>;

/** Where the answers come from, asked for each request. */
export interface HealthSources {
  readonly liveness: () => Liveness;
  readonly readiness: () => Readiness;
  readonly status: () => object;
  /** Absent: there is no `/metrics`. */
  readonly metrics?: { readonly contentType: string; readonly text: () => Promise<string> };
  /** Closes circuit breakers. */
  readonly resetBreakers?: Change | undefined;
  /** Lets services speak a word, which their circuit breakers count. */
  readonly testServices?: Change | undefined;
  /** What a request that changes something must bear; without one, none is taken. */
  readonly token?: string | undefined;
}

export interface HealthRequest {
  readonly method: string;
  /** A path, with or without a query. */
  readonly target: string;
  /** The header as it came. */
  readonly authorization?: string | undefined;
  /** Read only for what takes one. */
  readonly readBody?: (() => Promise<string>) | undefined;
}

export interface HealthAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for HEAD, whose headers are those of GET. */
  readonly body: string;
}

const answer = (status: number, contentType: string, body: string, more = {}): HealthAnswer => ({
  status,
  headers: {
    'content-type': contentType,
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...more,
  },
  body,
});

const json = (status: number, value: object, more = {}): HealthAnswer =>
  answer(status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`, more);

const notFound = (): HealthAnswer => json(404, { error: 'There is nothing here.' });

const notAllowed = (allow: string): HealthAnswer => json(405, { error: `Only ${allow}.` }, { allow });

/** The engine that a request names; undefined for all. @throws SyntaxError for what is no JSON object */
const namedEngine = (body: string): string | undefined => {
  const asked: unknown = body.trim() === '' ? {} : JSON.parse(body);
  if (!isRecord(asked)) throw new SyntaxError('not an object');
  const name = asked['name'] ?? undefined;
  if (name !== undefined && typeof name !== 'string') throw new SyntaxError('name: must be a text');
  return name;
};

/** `POST /breakers/reset` and `/breakers/test` with `{"name"?: ENGINE}`. */
const answerChange = async (
  { method, authorization, readBody }: HealthRequest,
  change: Change,
  token = '',
): Promise<HealthAnswer> => {
  if (method !== 'POST') return notAllowed('POST');
  if (!bearsToken(authorization, token))
    return json(401, {
      error: 'The token is missing or wrong: it is in .worker-token of the OUTBOX_FOLDER.',
    });
  try {
    const name = namedEngine((await readBody?.()) ?? '');
    return (await change(name)) === false
      ? json(404, { error: `There is no engine "${name?.slice(0, 100)}".` })
      : json(200, { success: true });
  } catch (error) {
    if (error instanceof SyntaxError)
      return json(400, { error: `The body cannot be read: ${error.message}` });
    throw error;
  }
};

type Route = (sources: HealthSources) => HealthAnswer | Promise<HealthAnswer>;

const ROUTES: Readonly<Record<string, Route>> = {
  '/health/live': ({ liveness }) => {
    const state = liveness();
    return json(state.alive ? 200 : 503, state);
  },
  '/health/ready': ({ readiness }) => {
    const state = readiness();
    return json(state.ready ? 200 : 503, state);
  },
  '/health/status': ({ status }) => json(200, status()),
  '/metrics': async ({ metrics }) =>
    metrics === undefined ? notFound() : answer(200, metrics.contentType, await metrics.text()),
};

/** Answers one request. @throws what a source throws */
export const answerHealth = async (request: HealthRequest, sources: HealthSources): Promise<HealthAnswer> => {
  const { method, target } = request;
  const path = target.split('?', 1)[0] ?? '';
  const changes = { '/breakers/reset': sources.resetBreakers, '/breakers/test': sources.testServices };
  const change = Object.hasOwn(changes, path) ? changes[path as keyof typeof changes] : undefined;
  if (change !== undefined) return answerChange(request, change, sources.token);
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (route !== undefined && method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD');
  const full = route === undefined ? notFound() : await route(sources);
  return method === 'HEAD' ? { ...full, body: '' } : full;
};

export interface HealthServerOptions extends HealthSources {
  /** Default 127.0.0.1: the figures are not public unless the operator says so. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Names that it is called by, besides `localhost` and the host. */
  readonly names?: readonly string[];
  readonly log: Log;
}

/** A probe or a scrape is one line of text: a client that needs longer than 10 s is stuck. */
const LIMITS = { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8_192 } as const;
/** A few probes and scrapers. */
const MAX_CONNECTIONS = 128;
/** A breaker's name in JSON. */
const MAX_BODY_BYTES = 4_096;
/** Longest time for answers under way when the server closes. */
const CLOSE_GRACE_MS = 1_000;

/** @throws SyntaxError when it is longer than any request of ours */
const readShort = async (request: IncomingMessage): Promise<string> => {
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === undefined) throw new SyntaxError('it is too long');
  return body.toString('utf8');
};

/**
 * Answers probes, Prometheus and people: `/health/live`, `/health/ready`, `/health/status`, `/metrics`.
 *
 * @throws the error of `listen`, such as EADDRINUSE
 */
export const openHealthServer = async (options: HealthServerOptions) => {
  const { host = '127.0.0.1', names, log } = options;
  const reply = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      authorization: request.headers.authorization,
      readBody: () => readShort(request),
    };
    const refusal = refuseForeign(request, { host, names });
    const { status, headers, body } =
      refusal === undefined
        ? await answerHealth(asked, options).catch((error: unknown) => {
            log('error', 'health figures failed', { path: request.url, error: describeFault(error) });
            return json(500, { error: 'The figures could not be gathered.' });
          })
        : json(refusal.status, { error: refusal.error });
    if (!server.listening) response.setHeader('connection', 'close');
    response.writeHead(status, headers).end(body);
  };
  const server = createServer(LIMITS, (request, response) => void reply(request, response));
  server.maxConnections = MAX_CONNECTIONS;
  const place = await listenAt(server, { host, port: options.port });
  let closing: Promise<void> | undefined;
  const closeServer = async (): Promise<void> => {
    const closed = once(server.close(), 'close');
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(timer);
  };
  return {
    /** Without a path. */
    url: `http://${place}`,
    /** Takes no more requests, lets answers under way go out, then ends every connection. */
    close: () => (closing ??= closeServer()),
  };
};
export type HealthServer = Awaited<ReturnType<typeof openHealthServer>>;
