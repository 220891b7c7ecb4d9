import { isRecord } from '@taleback/core';
import type { Readiness, ServicePhase } from '@taleback/speech/operations';

/** How long a stop may take beyond its drain time before the process counts as stuck, ms. */
export const STOP_GRACE_MS = 10_000;

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

/** Where the answers come from, asked for each request. */
export interface HealthSources {
  readonly liveness: () => Liveness;
  readonly readiness: () => Readiness;
  readonly status: () => object;
  /** Absent: there is no `/metrics`. */
  readonly metrics?: { readonly contentType: string; readonly text: () => Promise<string> };
  /** Closes the circuit breakers of an engine, or of all; false when there is no engine of this name. */
  readonly resetBreakers?: ((name: string | undefined) => boolean) | undefined;
}

export interface HealthRequest {
  readonly method: string;
  /** A path, with or without a query. */
  readonly target: string;
  /** The header as it came. */
  readonly contentType?: string | undefined;
  /** Read only for what takes one. */
  readonly readBody?: (() => Promise<string>) | undefined;
}

export interface HealthAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for HEAD, whose headers are those of GET. */
  readonly body: string;
}

type Route = (sources: HealthSources) => HealthAnswer | Promise<HealthAnswer>;

const answer = (status: number, contentType: string, body: string): HealthAnswer => ({
  status,
  headers: {
    'content-type': contentType,
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  },
  body,
});

const json = (status: number, value: object): HealthAnswer =>
  answer(status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`);

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

const ALLOWED = 'GET, HEAD';

const notFound = (): HealthAnswer => json(404, { error: 'There is nothing here.' });

const notAllowed = (allowed: string): HealthAnswer => {
  const refusal = json(405, { error: `Only ${allowed}.` });
  return { ...refusal, headers: { ...refusal.headers, allow: allowed } };
};

/** The answer when a source throws; the reason goes to the log. */
export const faultAnswer = (): HealthAnswer => json(500, { error: 'The figures could not be gathered.' });

const RESET_PATH = '/breakers/reset';

/** The engine that a reset names; undefined for all. @throws SyntaxError for what is no JSON object */
const namedEngine = (body: string): string | undefined => {
  const asked: unknown = body.trim() === '' ? {} : JSON.parse(body);
  if (!isRecord(asked)) throw new SyntaxError('not an object');
  const name = asked['name'] ?? undefined;
  if (name !== undefined && typeof name !== 'string') throw new SyntaxError('name: must be a text');
  return name;
};

/**
 * `POST /breakers/reset` with `{"name"?: ENGINE}`. It wants JSON said so, which a page of another site cannot send
 * without asking first.
 */
const answerReset = async (
  { method, contentType = '', readBody }: HealthRequest,
  resetBreakers: NonNullable<HealthSources['resetBreakers']>,
): Promise<HealthAnswer> => {
  if (method !== 'POST') return notAllowed('POST');
  if (!/^application\/json\b/i.test(contentType))
    return json(415, { error: 'The body must be application/json.' });
  try {
    const name = namedEngine((await readBody?.()) ?? '');
    return resetBreakers(name)
      ? json(200, { success: true })
      : json(404, { error: `There is no engine "${name?.slice(0, 100)}".` });
  } catch (error) {
    if (error instanceof SyntaxError)
      return json(400, { error: `The body cannot be read: ${error.message}` });
    throw error;
  }
};

/** Answers one request. @throws what a source throws */
export const answerHealth = async (request: HealthRequest, sources: HealthSources): Promise<HealthAnswer> => {
  const { method, target } = request;
  const path = target.split('?', 1)[0] ?? '';
  if (path === RESET_PATH && sources.resetBreakers !== undefined) {
    return answerReset(request, sources.resetBreakers);
  }
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (route === undefined) return withoutBody(method, notFound());
  if (method !== 'GET' && method !== 'HEAD') return notAllowed(ALLOWED);
  return withoutBody(method, await route(sources));
};

const withoutBody = (method: string, full: HealthAnswer): HealthAnswer =>
  method === 'HEAD' ? { ...full, body: '' } : full;
