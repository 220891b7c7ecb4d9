import { Agent } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import { rawBytes } from '@taleback/functions/test/fuzz-raw.ts';
import { fuzzedRequest, sendFuzzed, sendRaw } from '@taleback/functions/test/fuzz-requests.ts';
import * as fc from 'fast-check';
import type { Random } from '../chaos/random.ts';
import { type Hostile, hostileBodies, post } from '../framework.ts';
import { forgedProofs } from '../load/forged-proofs.ts';
import { type Draw, pick, type Victim } from './hostile-users.ts';
import type { System } from './system.ts';

const { functions } = createNames();
const EVIL_URL = 'https://evil.example/a.mp3';
const ROUTES = ['callback', 'error-callback', 'progress', 'generate', 'heartbeat'];
const STRANGERS = Buffer.alloc(32, 66);
/** Every way to refuse an odd request. */
const REFUSED = [100, 400, 401, 404, 405, 408, 413, 415, 417, 422, 431];

/** Bodies that no route reads as JSON. */
const BROKEN: readonly (readonly [string | Uint8Array, Readonly<Record<string, string>>])[] = [
  ['{"story_id":', {}],
  ['', {}],
  [Buffer.from('{"data":{}}', 'utf16le'), { 'content-type': 'application/json; charset=utf-16' }],
  ['{"data"', { 'content-type': 'application/json; charset=nonsense' }],
  ['data=1', { 'content-type': 'application/x-www-form-urlencoded' }],
  [Buffer.from([31, 139, 8, 0]), { 'content-encoding': 'gzip' }],
];

/** What a hostile client has written itself, and its address as Google's front end appends it. */
const forwardedFor = (random: Random): string => {
  const own = `203.0.113.${random.between(1, 250)}`;
  return pick(['', '127.0.0.1, ', '127.0.0.1, 10.0.0.1, ', 'unknown, ', `${own}, `, '::1, '], random) + own;
};

const sendTo = async (url: string, random: Random, { body, headers }: Hostile): Promise<number> => {
  const answer = await post(url, { body, headers: { 'x-forwarded-for': forwardedFor(random), ...headers } });
  await answer.arrayBuffer();
  return answer.status;
};

const sample = <T>(values: fc.Arbitrary<T>, random: Random): T =>
  fc.sample(values, { seed: random.between(0, 2 ** 31 - 1), numRuns: 1 })[0] as T;

const HEAD = 'POST /api/tts/callback HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
const CHUNK = `4000\r\n${'x'.repeat(0x4000)}\r\n`;

/** Opens a connection and writes the same again and again, until there is an answer. @returns its status */
const drip = async (url: string, header: string, next: string, everyMs: number): Promise<number> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.on('data', (answer: Buffer) => resolve(Number(answer.toString('latin1').slice(9, 12))));
  socket.on('error', () => resolve(0)).on('close', () => resolve(0));
  socket.write(`${HEAD}${header}\r\n\r\n`);
  const timer = setInterval(() => socket.write(next), everyMs);
  return promise.finally(() => {
    clearInterval(timer);
    socket.destroy();
  });
};

/** Connections that send a byte a second, until it is over. @returns the status of each answer */
export const sendSlowly = async ({ receiverUrl }: System, connections: number, isOver: () => boolean) => {
  const statuses: number[] = [];
  const connectAgain = async (_: unknown, index: number): Promise<void> => {
    // From an address of its own, so that it is read at all.
    const header = `content-length: 100000\r\nx-forwarded-for: 198.51.100.${index}`;
    while (!isOver()) {
      statuses.push(await drip(receiverUrl, header, '{', 1_000));
      await sleep(100);
    }
  };
  await Promise.all(Array.from({ length: connections }, connectAgain));
  return statuses;
};

export const hostileClients = (system: System, victim: Victim): readonly Draw[] => {
  const { receiverUrl, secrets, recorded } = system;
  const port = Number(new URL(receiverUrl).port);
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  const bodies = Object.entries(hostileBodies());
  const routeUrl = (route: string): string => `${receiverUrl}/api/tts/${route}`;
  /** The receiver and the callables read bodies by our own code. */
  const anyUrl = (random: Random): string =>
    random.chance(0.7)
      ? routeUrl(pick(ROUTES, random))
      : system.callableUrl(pick([functions.request, functions.retry], random));
  const bomb: Draw = (random) => {
    const [name, hostile] = pick(bodies, random);
    const send = (): Promise<number> => sendTo(anyUrl(random), random, hostile);
    return { effect: `the memory is filled by ${name}`, refusedWith: [413], send };
  };
  const endless: Draw = () => ({
    effect: 'the memory is filled by an endless body',
    refusedWith: [401, 413],
    send: () => drip(receiverUrl, 'transfer-encoding: chunked', CHUNK, 1),
  });
  const broken: Draw = (random) => {
    const [text, headers] = pick(BROKEN, random);
    const send = (): Promise<number> =>
      sendTo(anyUrl(random), random, { body: Buffer.from(text as string), headers });
    return { effect: `${JSON.stringify(headers)} is read`, refusedWith: [400, 401, 415], send };
  };
  const forged: Draw = (random) => {
    const [storyId, route] = [victim(random), pick(ROUTES, random)];
    const path = `/api/tts/${route}`;
    const end = { audio_url: EVIL_URL, error: EVIL_URL, stage: 'synthesizing' };
    const opening = { user_id: 'evil', voice_id: 'slt', text: EVIL_URL };
    const body = Buffer.from(JSON.stringify({ story_id: storyId, job_id: 'evil', ...end, ...opening }));
    const proofs = [...forgedProofs({ path, body, strangers: STRANGERS, ...secrets })];
    const message = { id: 'evil', timestampSeconds: Date.now() / 1000, body };
    // Who may end jobs opens none.
    if (route === 'generate') proofs.push(() => signStandard(message, [secrets.standard]));
    const send = (): Promise<number> =>
      sendTo(receiverUrl + path, random, { body, headers: pick(proofs, random)() });
    return { effect: `${storyId} is changed by a forged ${route}`, refusedWith: [401], send };
  };
  const webhook: Draw = (random) => {
    const token = pick(['', 'x', 'a'.repeat(43)], random);
    const query = new URLSearchParams({ story: victim(random), job: 'evil', token }).toString();
    const output = { status: 'success', audio_url: EVIL_URL };
    const body = Buffer.from(JSON.stringify({ id: 'evil', status: 'COMPLETED', output }));
    const send = (): Promise<number> => sendTo(routeUrl(`runpod-webhook?${query}`), random, { body });
    return { effect: 'a story is ended by a forged webhook', refusedWith: [401], send };
  };
  /** A recorded message of an honest sender: as it was, it changes nothing more; as anything else, it is refused. */
  const replayed: Draw = (random) => {
    const message = recorded.length === 0 ? undefined : pick(recorded.slice(-200), random);
    if (message === undefined) return webhook(random);
    const { path, body } = message;
    const { 'content-length': _length, ...headers } = message.headers;
    const [route, isOpening] = [pick(ROUTES, random), path.endsWith('/generate')];
    const changes: readonly (readonly [string, string, Record<string, string>, readonly number[]])[] = [
      ['as it was', path, {}, [200, 401]],
      ['with another idempotency key', path, { 'x-idempotency-key': `evil-${random.next()}` }, [200, 401]],
      ['with another id', path, { 'webhook-id': 'evil' }, headers['webhook-id'] ? [401] : [200, 401]],
      // The older scheme signs the path, and a body of another route has the wrong shape; a secret has its direction.
      [
        `as ${route}`,
        `/api/tts/${route}`,
        {},
        isOpening === (route === 'generate') ? [200, 401, 422] : [401],
      ],
    ];
    const [how, to, change, refusedWith] = pick(changes, random);
    return {
      effect: `a ${path}, replayed ${how}, is carried out`,
      refusedWith,
      send: () => sendTo(receiverUrl + to, random, { body, headers: { ...headers, ...change } }),
    };
  };
  const odd: Draw = (random) => {
    const fuzzed = sample(fuzzedRequest({ key: STRANGERS, hmac: 'guess' }), random);
    return {
      effect: `a ${fuzzed.method} ${fuzzed.path.slice(0, 80)} without a proof reaches a route`,
      refusedWith: fuzzed.path.includes('/health') ? [200, ...REFUSED] : REFUSED,
      send: async () => (await sendFuzzed(port, agent, fuzzed)).status,
    };
  };
  const raw: Draw = (random) => {
    const bytes = sample(rawBytes, random);
    return {
      effect: `a request is smuggled in by ${bytes.toString('latin1').slice(0, 60)}`,
      refusedWith: REFUSED,
      send: async () => Number((await sendRaw(port, bytes)).slice(9, 12)),
    };
  };
  return [
    bomb,
    bomb,
    endless,
    broken,
    forged,
    forged,
    forged,
    webhook,
    replayed,
    replayed,
    replayed,
    odd,
    odd,
    raw,
  ];
};
