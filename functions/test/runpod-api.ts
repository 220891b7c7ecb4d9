import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** One scripted answer: a status with a body and headers, or a connection that is cut. */
export type ApiAnswer =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | 'cut';

export interface RunpodApi {
  readonly url: string;
  readonly calls: ApiCall[];
  /** Jobs by RunPod's id, as `/status` reports them. */
  readonly jobs: Map<string, Record<string, unknown>>;
  /** Answers that the next calls get instead of the usual ones. */
  readonly script: ApiAnswer[];
  close(): Promise<void>;
}

export const API_KEY = 'rp-secret-key';

const readAll = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
};

/**
 * RunPod's client interface for one endpoint, `ep`, on loopback.
 * @see https://docs.runpod.io/serverless/endpoints/operation-reference
 */
export const openRunpodApi = async (): Promise<RunpodApi> => {
  const calls: ApiCall[] = [];
  const jobs: RunpodApi['jobs'] = new Map();
  const script: ApiAnswer[] = [];
  let next = 0;

  const usual = (method: string, path: string): ApiAnswer => {
    const [, operation, id = ''] = /^\/v2\/ep\/(run|status|cancel)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (operation === 'run' && method === 'POST') {
      next += 1;
      const made = `rp-${next}-u1`;
      jobs.set(made, { id: made, status: 'IN_QUEUE' });
      return { status: 200, body: { id: made, status: 'IN_QUEUE' } };
    }
    const job = jobs.get(decodeURIComponent(id));
    if (job === undefined) return { status: 404, body: { error: 'job not found' } };
    if (operation === 'status' && method === 'GET') return { status: 200, body: job };
    if (operation === 'cancel' && method === 'POST') {
      jobs.set(id, { ...job, status: 'CANCELLED' });
      return { status: 200, body: { id, status: 'CANCELLED' } };
    }
    return { status: 405 };
  };

  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const { method = '', url: path = '' } = request;
      const { authorization } = request.headers;
      calls.push({ method, path, authorization, body: await readAll(request) });
      const isKnown = authorization === `Bearer ${API_KEY}`;
      const answer = script.shift() ?? (isKnown ? usual(method, path) : { status: 401 });
      if (answer === 'cut') return void request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
    };
    respond().catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`,
    calls,
    jobs,
    script,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
