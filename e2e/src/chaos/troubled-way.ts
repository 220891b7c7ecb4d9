import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';
import { serve } from './serve.ts';

/** What may happen to one callback between the worker and the receiver. */
const TROUBLES = [
  /** The receiver's side answers 500 without having read it. */
  'refused',
  /** The connection breaks before it arrives. */
  'lost',
  /** It arrives; its answer does not. */
  'answer-lost',
  /** It arrives late, so that later ones overtake it. */
  'delayed',
  /** It arrives, and once more a moment later. */
  'twice',
] as const;
/** `none`: it arrives, and so does its answer. */
export type Trouble = 'none' | (typeof TROUBLES)[number];

const LONGEST_DELAY_MS = 2_000;

/** Half of all callbacks have none, and the others each as often. */
const choose = (random: Random): Trouble =>
  random.chance(0.5) ? 'none' : (TROUBLES[random.between(0, TROUBLES.length - 1)] ?? 'none');

/** A request as it came. */
export interface PassedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const answerWith = async (outgoing: ServerResponse, answer: Response): Promise<void> => {
  const retryAfter = answer.headers.get('retry-after');
  outgoing.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'application/json',
    ...(retryAfter === null ? {} : { 'retry-after': retryAfter }),
  });
  outgoing.end(await answer.text());
};

/**
 * The only way to the receiver, and a bad one: a server that passes on what it is sent, or does not.
 * @param onRequest called with each request that arrives here
 */
export const openTroubledWay = async (
  random: Random,
  onRequest: (request: PassedRequest) => void = () => {},
) => {
  const counts = { none: 0, refused: 0, lost: 0, 'answer-lost': 0, delayed: 0, twice: 0 };
  const echoes = new Set<Promise<unknown>>();
  let isCalm = false;
  let receiverUrl = '';

  const passOn = async (incoming: IncomingMessage, body: Buffer): Promise<Response> => {
    const { host: _host, connection: _connection, ...rest } = incoming.headers;
    const [path, headers] = [incoming.url ?? '', rest as Record<string, string>];
    onRequest({ path, headers, body });
    const method = incoming.method ?? 'POST';
    return fetch(`${receiverUrl}${path}`, { method, headers, body: new Uint8Array(body) });
  };
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const trouble = isCalm ? 'none' : choose(random);
    const delayMs = random.between(0, LONGEST_DELAY_MS);
    counts[trouble] += 1;
    const body = Buffer.concat(await incoming.toArray());
    if (trouble === 'refused') {
      outgoing.writeHead(500).end('{"success":false,"error":"internal error"}');
      return;
    }
    if (trouble === 'lost') {
      outgoing.destroy();
      return;
    }
    if (trouble === 'delayed') await sleep(delayMs);
    const answer = await passOn(incoming, body);
    if (trouble === 'twice') {
      const echo = sleep(delayMs).then(() => passOn(incoming, body).then((again) => again.text()));
      echoes.add(echo.catch(() => {}));
    }
    if (trouble === 'answer-lost') {
      await answer.text();
      outgoing.destroy();
      return;
    }
    await answerWith(outgoing, answer);
  };

  const { url, close } = await serve((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  return {
    url,
    /** Where the receiver is; nothing arrives before it is said. */
    leadTo: (to: string): void => {
      receiverUrl = to;
    },
    /** How often each has happened. */
    counts: counts as Readonly<Record<Trouble, number>>,
    /** From now on everything arrives. Resolves when nothing is on its way twice. */
    calm: async (): Promise<void> => {
      isCalm = true;
      await Promise.all(echoes);
    },
    close,
  };
};
