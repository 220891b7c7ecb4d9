import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RecordedCall, recordCall } from './transcript.ts';

/** What the platform does with one request. */
export type Scripted =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection is cut without an answer. */
  | { readonly kind: 'reset' }
  /** Nothing is answered as long as the connection lives. */
  | { readonly kind: 'hang' };

export const answer = (status: number, json?: unknown): Scripted => ({ kind: 'answer', status, json });

type Channel = 'take' | 'done' | 'stream' | 'stop' | 'ping';

interface JobOverThere {
  readonly id: string;
  result?: Readonly<Record<string, unknown>>;
}

export interface SimulatorOptions {
  /** Time that the calls are stamped with, ms. Default: since the start. */
  readonly now?: () => number;
}

const channelOf = (path: string): Channel | undefined => {
  if (path.includes('/job-take')) return 'take';
  if (path.includes('/job-stop/')) return 'stop';
  if (path.includes('/job-done/')) return 'done';
  if (path.includes('/job-stream/')) return 'stream';
  return path.includes('/ping/') ? 'ping' : undefined;
};

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

/** RunPod's side of the worker protocol on a loopback port: polls are held, one result per job is accepted. */
export class Simulator {
  readonly calls: RecordedCall[] = [];
  /** What a worker did that the platform must never see. */
  readonly violations: string[] = [];
  readonly chunks: unknown[] = [];
  readonly #jobs = new Map<string, JobOverThere>();
  readonly #scripts: Record<Channel, Scripted[]> = { take: [], done: [], stream: [], stop: [], ping: [] };
  readonly #held: Record<'take' | 'stop', ServerResponse[]> = { take: [], stop: [] };
  readonly #server;
  readonly #now: () => number;

  constructor({ now }: SimulatorOptions = {}) {
    const startedAt = performance.now();
    this.#now = now ?? (() => performance.now() - startedAt);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** The variables that the platform sets for a worker. */
  env(overrides: Readonly<Record<string, string>> = {}): Record<string, string> {
    const base = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v2/ep`;
    return {
      RUNPOD_WEBHOOK_GET_JOB: `${base}/job-take/$ID?gpu=X`,
      RUNPOD_WEBHOOK_POST_OUTPUT: `${base}/job-done/$RUNPOD_POD_ID/$ID?gpu=X`,
      RUNPOD_WEBHOOK_POST_STREAM: `${base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=X`,
      RUNPOD_WEBHOOK_PING: `${base}/ping/$RUNPOD_POD_ID?gpu=X`,
      RUNPOD_PING_INTERVAL: '10000',
      RUNPOD_POD_ID: 'pod7',
      RUNPOD_AI_API_KEY: 'KEY',
      RUNPOD_POD_HOSTNAME: 'pod7-host',
      ...overrides,
    };
  }

  /** The next requests of a channel are answered so, each once; after them the platform behaves. */
  script(channel: Channel, ...answers: readonly Scripted[]): void {
    this.#scripts[channel].push(...answers);
    if (channel !== 'take' && channel !== 'stop') return;
    for (let held = this.#held[channel].shift(); held !== undefined; held = this.#held[channel].shift()) {
      const next = this.#scripts[channel].shift();
      if (next === undefined) return void this.#held[channel].unshift(held);
      this.#play(channel, next, held);
    }
  }

  /** Hands out a job, or several as a batch, to the poll that is open or comes next. */
  hand(json: unknown): void {
    this.script('take', answer(200, json));
  }

  /** Final result of a job, as it was accepted. */
  resultOf(jobId: string): Readonly<Record<string, unknown>> | undefined {
    return this.#jobs.get(jobId)?.result;
  }

  on(channel: Channel): readonly RecordedCall[] {
    return this.calls.filter(({ path }) => channelOf(path) === channel);
  }

  /** Polls that wait for an answer. */
  heldPolls(channel: 'take' | 'stop'): number {
    return this.#held[channel].length;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request).catch(() => undefined);
    if (body === undefined) return;
    const call = recordCall(request, body, this.#now());
    this.calls.push(call);
    const channel = channelOf(call.path);
    if (channel === undefined) return void response.writeHead(404).end();
    const next = this.#scripts[channel].shift();
    if (next !== undefined) return this.#play(channel, next, response);
    if (channel === 'take' || channel === 'stop') return this.#hold(channel, response);
    const status = channel === 'done' ? this.#acceptDone(call) : this.#acceptOther(channel, call);
    response.writeHead(status).end();
  }

  #hold(channel: 'take' | 'stop', response: ServerResponse): void {
    this.#held[channel].push(response);
    response.on('close', () => {
      this.#held[channel] = this.#held[channel].filter((held) => held !== response);
    });
  }

  #play(channel: Channel, scripted: Scripted, response: ServerResponse): void {
    if (scripted.kind === 'hang') return;
    if (scripted.kind === 'reset') return void response.socket?.resetAndDestroy();
    const { status, json, text, headers } = scripted;
    if (channel === 'take' && status === 200) this.#handOut(json);
    const body = text ?? (json === undefined ? '' : JSON.stringify(json));
    response.writeHead(status, {
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
      ...headers,
    });
    response.end(body);
  }

  #handOut(json: unknown): void {
    for (const entry of Array.isArray(json) ? json : [json]) {
      const id: unknown = (entry as { id?: unknown } | null)?.id;
      if (typeof id === 'string') this.#jobs.set(id, { id });
    }
  }

  /** One final result per job; progress only before it. */
  #acceptDone({ path, json }: RecordedCall): number {
    const id = decodeURIComponent(path.split('?')[0]?.split('/').at(-1) ?? '');
    const job = this.#jobs.get(id);
    const body = json as Readonly<Record<string, unknown>>;
    const isProgress = body['status'] === 'IN_PROGRESS';
    if (job === undefined || job.result !== undefined) {
      this.violations.push(
        `${isProgress ? 'progress' : 'result'} for ${job === undefined ? 'no job' : 'a job that is over'}: ${id}`,
      );
      return 400;
    }
    if ('error' in body && typeof body['error'] !== 'string') this.violations.push(`error is no text: ${id}`);
    if (!isProgress) job.result = body;
    return 200;
  }

  #acceptOther(channel: Channel, { json }: RecordedCall): number {
    if (channel === 'stream') this.chunks.push((json as { output?: unknown }).output);
    return 200;
  }
}
