import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SimulatedCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface SimulatedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** What becomes of one request: an answer, another one made of the right one, or none. */
export type Scripted =
  | SimulatedAnswer
  | ((right: SimulatedAnswer) => SimulatedAnswer)
  /** Nothing, as long as the connection lives. */
  | 'hang'
  /** The connection is lost without an answer. */
  | 'reset'
  /** Half of the right answer, then the connection is lost. */
  | 'cut';

export interface HttpSimulator {
  readonly baseUrl: string;
  /** Every request, in the order they came. */
  readonly calls: readonly SimulatedCall[];
  readonly callsTo: (path: string) => SimulatedCall[];
  /** Requests without an answer. */
  readonly inFlight: number;
  /** The most of them at once. */
  readonly peakInFlight: number;
  /** Requests whose sender went away before the answer. */
  readonly abandoned: number;
  /** The next requests to this path are treated so, each once. */
  readonly script: (path: string, ...treatments: readonly Scripted[]) => void;
  /** Requests for speech wait from now on; the function lets them go on. */
  readonly hold: () => () => void;
  /** Settles as soon as it holds of the simulator. */
  readonly until: (condition: (simulator: HttpSimulator) => boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface HttpSimulatorOptions {
  readonly port: number;
  /** The right answer. `atWork` is to be awaited where the model works: `hold` stops it there. */
  readonly answer: (
    call: SimulatedCall,
    atWork: () => Promise<void>,
  ) => SimulatedAnswer | Promise<SimulatedAnswer>;
}

export const jsonAnswer = (status: number, json: unknown, headers = {}): SimulatedAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(json),
});

export const pageAnswer = (status: number, title: string, headers = {}): SimulatedAnswer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', ...headers },
  body: `<!doctype html>\n<html lang=en>\n<title>${title}</title>\n<h1>${title}</h1>\n`,
});

const readCall = async (request: IncomingMessage): Promise<SimulatedCall> => {
  const body = Buffer.concat((await request.toArray()) as Buffer[]);
  const url = new URL(request.url ?? '', 'http://simulated');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers as Record<string, string | undefined>,
    body,
  };
};

const send = (response: ServerResponse, { status, headers, body }: SimulatedAnswer, isCut: boolean): void => {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'content-length': String(bytes.length), ...headers });
  if (!isCut) response.end(bytes);
  else response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
};

/** A speech service on a loopback port, whose wire is the caller's. */
export const openHttpSimulator = async ({ port, answer }: HttpSimulatorOptions): Promise<HttpSimulator> => {
  const calls: SimulatedCall[] = [];
  const scripts = new Map<string, Scripted[]>();
  const watchers = new Set<() => void>();
  const state = { inFlight: 0, peakInFlight: 0, abandoned: 0 };
  let held: Promise<void> = Promise.resolve();
  const tellWatchers = (): void => {
    for (const look of watchers) look();
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = await readCall(request);
    state.inFlight += 1;
    state.peakInFlight = Math.max(state.peakInFlight, state.inFlight);
    calls.push(call);
    let isOpen = true;
    const answered = (): void => {
      if (isOpen) state.inFlight -= 1;
      isOpen = false;
    };
    response.once('close', () => {
      answered();
      if (!response.writableFinished) state.abandoned += 1;
      tellWatchers();
    });
    tellWatchers();
    const scripted = scripts.get(call.path)?.shift();
    if (scripted === 'hang') return;
    if (scripted === 'reset') return void request.socket.resetAndDestroy();
    if (typeof scripted === 'object') {
      answered();
      return send(response, scripted, false);
    }
    const right = await answer(call, () => held);
    // Before it is sent: whoever has the answer may ask again before the connection has told of its end.
    answered();
    send(response, typeof scripted === 'function' ? scripted(right) : right, scripted === 'cut');
  };

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const simulator: HttpSimulator = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    callsTo: (path) => calls.filter((call) => call.path === path),
    get inFlight() {
      return state.inFlight;
    },
    get peakInFlight() {
      return state.peakInFlight;
    },
    get abandoned() {
      return state.abandoned;
    },
    script: (path, ...treatments) => {
      scripts.set(path, [...(scripts.get(path) ?? []), ...treatments]);
    },
    hold: () => {
      let release: (() => void) | undefined;
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => release?.();
    },
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition(simulator)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return simulator;
};
