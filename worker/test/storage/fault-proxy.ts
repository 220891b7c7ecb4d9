import { EventEmitter, once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that has arrived whole. */
export interface Arrived {
  readonly method: string;
  /** Path and query, as they stand in the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * What happens to one request on its way.
 *
 * - `answer`: it never arrives, and this is answered
 * - `alter`: it arrives, and its answer is changed
 * - `hang`: it arrives nowhere, and nothing is answered
 * - `cut-upload`: the connection breaks after so many bytes of the body
 * - `cut-download`: the connection breaks after so many bytes of the answer
 * - `lose-answer`: it arrives, and then the connection breaks
 */
export type Fault = { readonly method?: string; readonly target?: RegExp } & (
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  | { readonly kind: 'alter'; readonly alter: (answer: Answered) => Answered }
  | { readonly kind: 'hang' }
  | { readonly kind: 'cut-upload' | 'cut-download'; readonly afterBytes: number }
  | { readonly kind: 'lose-answer' }
);

export interface FaultProxyOptions {
  /** Port of the server behind it. */
  readonly port: number;
  /** Answers in the server's place, when it would be too lenient. */
  readonly guard?: (arrived: Arrived) => Answered | undefined | Promise<Answered | undefined>;
}

export interface FaultProxy {
  readonly port: number;
  /** Every request that arrived whole, in order. */
  readonly arrived: readonly Arrived[];
  /** Lets the next request of the kind run into each of them, one after the other. */
  expectFaults(...faults: Fault[]): void;
  /** The faults that no request ran into; they are forgotten. */
  takeLeftFaults(): Fault[];
  /** Settles when the next request has run into a `hang` or a `cut-download`. */
  nextBreak(): Promise<void>;
  close(): Promise<void>;
}

const forward = (port: number, { method, target, headers, body }: Arrived): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const upstream = request({ host: '127.0.0.1', port, method, path: target, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: Buffer.concat(parts) }),
      );
      answer.on('error', reject);
    });
    upstream.on('error', reject);
    upstream.end(body);
  });

/** The body, or undefined when the connection was cut on the way. */
const receive = async (incoming: IncomingMessage, cutAfter: number): Promise<Buffer | undefined> => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    parts.push(part);
    sizeBytes += part.byteLength;
    if (sizeBytes >= cutAfter) {
      incoming.socket.destroy();
      return undefined;
    }
  }
  return Buffer.concat(parts);
};

/**
 * A proxy before a storage server that breaks what a test wants. Requests go through it one after the other, because the servers
 * behind it, made for tests, let two writers of one key write into one file.
 */
export const openFaultProxy = async ({ port, guard }: FaultProxyOptions): Promise<FaultProxy> => {
  const arrived: Arrived[] = [];
  const faults: Fault[] = [];
  const breaks = new EventEmitter();
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const mine = turn.then(task);
    turn = mine.catch(() => {});
    return mine;
  };

  const takeFault = (method: string, target: string): Fault | undefined => {
    const [next] = faults;
    const isMeant =
      next !== undefined && (next.method ?? method) === method && (next.target?.test(target) ?? true);
    return isMeant ? faults.shift() : undefined;
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url: target = '/', headers } = incoming;
    const fault = takeFault(method, target);
    const body = await receive(
      incoming,
      fault?.kind === 'cut-upload' ? fault.afterBytes : Number.POSITIVE_INFINITY,
    );
    if (body === undefined) return;
    const whole: Arrived = { method, target, headers, body };
    arrived.push(whole);
    if (fault?.kind === 'hang') return void breaks.emit('break');
    const send = (answer: Answered): void => {
      outgoing.writeHead(answer.status, answer.headers);
      outgoing.end(method === 'HEAD' ? undefined : answer.body);
    };
    if (fault?.kind === 'answer')
      return send({
        status: fault.status,
        headers: fault.headers ?? {},
        body: Buffer.from(fault.body ?? ''),
      });
    const answer = await inTurn(async () => (await guard?.(whole)) ?? forward(port, whole));
    switch (fault?.kind) {
      case 'lose-answer':
        incoming.socket.destroy();
        return;
      case 'cut-download':
        outgoing.writeHead(answer.status, answer.headers);
        outgoing.write(answer.body.subarray(0, fault.afterBytes), () => {
          incoming.socket.destroy();
          breaks.emit('break');
        });
        return;
      case 'alter':
        return send(fault.alter(answer));
      default:
        return send(answer);
    }
  };

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arrived,
    expectFaults: (...more) => {
      faults.push(...more);
    },
    takeLeftFaults: () => faults.splice(0),
    nextBreak: async () => {
      await once(breaks, 'break');
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
