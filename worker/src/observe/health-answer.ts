import type { Liveness } from './liveness.ts';
import type { Readiness } from './readiness.ts';
import type { ServiceStatus } from './service-status.ts';

/** Where the answers come from, asked anew for each request. */
export interface HealthSources {
  readonly liveness: () => Liveness;
  readonly readiness: () => Readiness;
  readonly status: () => ServiceStatus;
  /** Absent: there is no `/metrics`. */
  readonly metrics?: { readonly contentType: string; readonly text: () => Promise<string> };
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
    const told = liveness();
    return json(told.alive ? 200 : 503, told);
  },
  '/health/ready': ({ readiness }) => {
    const told = readiness();
    return json(told.ready ? 200 : 503, told);
  },
  '/health/status': ({ status }) => json(200, status()),
  '/metrics': async ({ metrics }) =>
    metrics === undefined ? notFound() : answer(200, metrics.contentType, await metrics.text()),
};

const ALLOWED = 'GET, HEAD';

const notFound = (): HealthAnswer => json(404, { error: 'There is nothing here.' });

const notAllowed = (): HealthAnswer => {
  const told = json(405, { error: `Only ${ALLOWED}.` });
  return { ...told, headers: { ...told.headers, allow: ALLOWED } };
};

/** What is said when a source throws; the reason goes to the log. */
export const faultAnswer = (): HealthAnswer => json(500, { error: 'The figures could not be gathered.' });

/** Answers one request. `target` is a path, with or without a query. @throws what a source throws */
export const answerHealth = async (
  method: string,
  target: string,
  sources: HealthSources,
): Promise<HealthAnswer> => {
  const path = target.split('?', 1)[0] ?? '';
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (route === undefined) return withoutBody(method, notFound());
  if (method !== 'GET' && method !== 'HEAD') return notAllowed();
  return withoutBody(method, await route(sources));
};

const withoutBody = (method: string, told: HealthAnswer): HealthAnswer =>
  method === 'HEAD' ? { ...told, body: '' } : told;
