import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isRecord, parseJson } from '@taleback/core';
import { listenAt, type Post, readBody, refuseForeign } from '@taleback/outbox';

/** A callback that was passed on. */
export interface Relayed {
  /** The last word of its path, such as `progress`. */
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** What the receiver answered; undefined when it did not. */
  readonly status: number | undefined;
  /** The receiver's words, or why there are none. */
  readonly words: string;
}

export interface RelayOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Names that workers call it by, besides `localhost` and the host. */
  readonly names?: readonly string[];
  /** Base address of the receiver that everything is passed on to. */
  readonly receiverUrl: string;
  readonly post: Post;
  readonly onMessage: (relayed: Relayed) => void;
}

/** The receiver's limit. */
const MAX_BODY_BYTES = 262_144;
/** A request that takes longer is aborted: its sender keeps the message. */
const CLOSING_MS = 10_000;
/** Headers of one connection, and those that the next one sets itself. */
const OWN_HEADERS = new Set('connection,content-length,expect,host,keep-alive,transfer-encoding'.split(','));

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !OWN_HEADERS.has(name) ? [[name, value]] : [],
    ),
  );

const refuse = (outgoing: ServerResponse, status: number, error = 'this is a relay of callbacks'): void => {
  outgoing.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  outgoing.end(JSON.stringify({ success: false, error }));
};

/**
 * Listens for the callbacks of one narration, and passes each on to the receiver as it came: path, headers and bytes,
 * so that its signature holds. The worker gets the receiver's answer.
 *
 * @throws the error of `listen`, such as EADDRINUSE
 */
export const openCallbackRelay = async (options: RelayOptions) => {
  const { post, onMessage } = options;
  const receiver = new URL(options.receiverUrl);
  const folder = `${receiver.pathname.replace(/\/+$/, '')}/api/tts`;

  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const refusal = refuseForeign(incoming, options);
    if (refusal !== undefined) return refuse(outgoing, refusal.status, refusal.error);
    const target = new URL(incoming.url ?? '/', receiver.origin);
    const isOurs = target.origin === receiver.origin && target.pathname.startsWith(`${folder}/`);
    if (incoming.method !== 'POST' || !isOurs) return refuse(outgoing, 404);
    const body = await readBody(incoming, MAX_BODY_BYTES);
    if (body === undefined) return refuse(outgoing, 413);
    const json = parseJson(body);
    const about = { kind: target.pathname.slice(folder.length + 1), body: isRecord(json) ? json : {} };
    try {
      const answer = await post(target.href, headersOf(incoming), body, undefined);
      const retry = answer.retryAfter === undefined ? {} : { 'retry-after': answer.retryAfter };
      outgoing.writeHead(answer.status, { 'content-type': 'application/json', ...retry });
      outgoing.end(answer.excerpt);
      onMessage({ ...about, status: answer.status, words: answer.excerpt });
    } catch (error) {
      refuse(outgoing, 503);
      onMessage({ ...about, status: undefined, words: (error as Error).message });
    }
  };

  const passing = new Set<Promise<void>>();
  const server = createServer((incoming, outgoing) => {
    // An answer that breaks off is over as well.
    const closed = once(outgoing, 'close').catch(() => {});
    const passed = pass(incoming, outgoing)
      .catch(() => void outgoing.destroy())
      .then(() => closed)
      .then(() => void passing.delete(passed));
    passing.add(passed);
  });
  const listen = await listenAt(server, options);
  return {
    /** HOST:PORT that it listens at; a relay opened there again receives what comes to the same address. */
    listen,
    /** The callback address of a job, where this host is reached by the name it has here. */
    callbackUrl: `http://${listen}${folder}/callback`,
    /** Accepts nothing more; requests under way get their answer. */
    close: async (): Promise<void> => {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSING_MS);
      await Promise.all(passing);
      server.closeAllConnections();
      await closed;
      clearTimeout(timer);
    },
  };
};
