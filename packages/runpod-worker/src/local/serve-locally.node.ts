import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createHttpPost, listenAt, readBody, refuseForeign } from '@taleback/outbox';
import { type Clock, systemClock, tryWithDeadline } from '@taleback/resilience';
import { logLines, type RunpodLog } from '../log.ts';
import type { RunpodHandler } from '../run-handler.ts';
import { bodyLimitOf, type LocalAnswer, LocalApi } from './local-api.ts';
import { type LocalEnd, LocalJobs, submittedEnvelopeOf } from './local-jobs.ts';
import { deliverWebhook } from './webhook.ts';

export { type RunpodLog } from '../log.ts';
export { type RunpodJob } from '../platform.ts';
export { type RunpodContext, type RunpodHandler } from '../run-handler.ts';
export { type LocalAnswer } from './local-api.ts';
export { type FinalStatus, type JobStatus, type LocalEnd } from './local-jobs.ts';

/** A call as an interceptor sees it. */
export interface InterceptedCall {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly body: string;
}

export interface ServeRunpodLocallyOptions {
  /** Jobs at once. Default 1; 0 leaves them in the queue until they are forced to an end. */
  readonly concurrency?: number;
  /** Key that clients must send, with or without "Bearer". Default: none, and every program of this machine is served. */
  readonly apiKey?: string;
  /** Whether the result of a generator holds all its chunks. Default true: the stream is gone once it was read. */
  readonly returnAggregateStream?: boolean;
  /** Waits before the second try of a webhook, the third, and so on, ms. Default twice 10,000. */
  readonly webhookDelaysMs?: readonly number[];
  /** Whether webhooks may go to this machine and private networks. Default false: only to public https addresses. */
  readonly allowPrivateWebhooks?: boolean;
  /** Default 127.0.0.1. Jobs run with any input they are given: keep it to this machine. */
  readonly host?: string;
  /** Default 0, any free port. */
  readonly port?: number;
  /** Names that clients call it by, besides `localhost` and, where `host` is not loopback, its IP addresses. */
  readonly names?: readonly string[];
  /** Answers in place of the endpoint: for tests of a client. `reset` cuts the connection, undefined lets it through. */
  readonly intercept?: (call: InterceptedCall) => LocalAnswer | 'reset' | undefined;
  readonly clock?: Clock;
  /** Default: a JSON line each on standard error. */
  readonly log?: RunpodLog;
}

export interface LocalRunpod {
  /** Base of the API, without a closing slash. `/v2/{endpoint}` may follow it. */
  readonly url: string;
  /** Every job that is known: its status, and what was submitted. */
  jobs(): readonly Readonly<Record<string, unknown>>[];
  /** Ends a job as if its worker had. @throws Error when there is no such job, or it is over */
  force(jobId: string, end: LocalEnd): void;
  /**
   * Starts no more jobs, gives those that run and their webhooks `graceMs`, default 0, then aborts both and ends every
   * connection.
   */
  close(graceMs?: number): Promise<void>;
}

const send = (response: ServerResponse, { status, json }: LocalAnswer, isLast = false): void => {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.end(JSON.stringify(json));
};

/**
 * Serves a handler on this machine through the API that RunPod gives the clients of an endpoint: `/run`, `/runsync`,
 * `/status`, `/stream`, `/cancel`, `/retry`, `/health`, with webhooks. Pages of other sites are refused.
 *
 * @throws the error of `listen`, such as EADDRINUSE
 *
 * @example
 * import { serveRunpodLocally } from '@taleback/runpod-worker/local';
 * const local = await serveRunpodLocally((job) => ({ echo: job.input }));
 * const body = JSON.stringify({ input: { text: 'hello' } });
 * const headers = { 'content-type': 'application/json' };
 * const answer = await fetch(`${local.url}/runsync`, { method: 'POST', headers, body });
 * console.log(await answer.json()); // { id: "sync-...", output: { echo: { text: "hello" } }, ... }
 * await local.close();
 */
export const serveRunpodLocally = async (
  handler: RunpodHandler,
  options: ServeRunpodLocallyOptions = {},
): Promise<LocalRunpod> => {
  const { host = '127.0.0.1', port = 0, names, intercept, clock = systemClock, log = logLines } = options;
  const http = createHttpPost({ allowPrivate: options.allowPrivateWebhooks ?? false });
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const webhooks = new Set<Promise<void>>();
  const delivering = {
    post: http.post,
    delaysMs: options.webhookDelaysMs,
    clock,
    log,
    signal: closing.signal,
  };
  const jobs = new LocalJobs({
    handler,
    concurrency: options.concurrency ?? 1,
    returnAggregateStream: options.returnAggregateStream ?? true,
    clock,
    newId: randomUUID,
    onEnd: (job) => {
      if (job.webhook === undefined || closing.signal.aborted) return;
      const delivery = deliverWebhook(job.webhook, submittedEnvelopeOf(job), delivering);
      webhooks.add(delivery);
      void delivery.finally(() => webhooks.delete(delivery));
    },
  });
  const api = new LocalApi(jobs, options.apiKey, clock);

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refusal = refuseForeign(request, { host, names });
    if (refusal !== undefined)
      return send(response, { status: refusal.status, json: { error: refusal.error } }, true);
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://local');
    const method = request.method ?? '';
    const maxBytes = bodyLimitOf(path);
    const body = (await readBody(request, maxBytes))?.toString('utf8');
    if (body === undefined) {
      return send(response, { status: 413, json: { error: `the body is over ${maxBytes} bytes` } }, true);
    }
    const instead = intercept?.({ method, path, body });
    if (instead === 'reset') return void response.socket?.resetAndDestroy();
    const { authorization } = request.headers;
    send(response, instead ?? (await api.answer({ method, path, query, authorization, body })));
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      log('error', 'request failed', { path: request.url?.split('?', 1)[0], error: String(error) });
      response.destroy();
    });
  });
  const place = await listenAt(server, { host, port });
  return {
    url: `http://${place}`,
    jobs: () => jobs.all.map(submittedEnvelopeOf),
    force: (jobId, end) => {
      const job = jobs.find(jobId);
      if (job === undefined || !jobs.end(job, end, 'The job was forced to an end.'))
        throw new Error(`no job under way: ${jobId}`);
    },
    close: async (graceMs = 0) => {
      const done = jobs.stop().then(() => Promise.all(webhooks));
      if (graceMs > 0) await tryWithDeadline(() => done, graceMs, { clock });
      closing.abort(new Error('the endpoint closes'));
      jobs.close();
      await Promise.all(webhooks);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await http.close();
    },
  };
};
