import { Agent } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import { rawBytes } from '@taleback/functions/test/fuzz-raw.ts';
import { fuzzedRequest, sendFuzzed, sendRaw } from '@taleback/functions/test/fuzz-requests.ts';
import * as fc from 'fast-check';
import type { Random } from '../chaos/random.ts';
import type { PassedRequest } from '../chaos/troubled-way.ts';
import { type Hostile, hostileBodies, post } from '../framework.ts';
import { forgedProofs } from '../load/forged-proofs.ts';
import { type Draw, pick } from './hostile-users.ts';
import type { System } from './system.ts';

const { functions } = createNames();
const EVIL_URL = 'https://evil.example/a.mp3';
const ROUTES = ['callback', 'error-callback', 'progress', 'generate', 'heartbeat'];
const STRANGERS = Buffer.alloc(32, 66);
/** Every way to refuse. */
const REFUSED = [400, 401, 404, 405, 408, 413, 415, 417, 422, 431];

/** Bodies that no route reads as JSON, with their content types. */
const BROKEN: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['broken JSON', '{"story_id":', 'application/json'],
  ['another charset', Buffer.from('{"data":{}}', 'utf16le'), 'application/json; charset=utf-16'],
  ['a charset that does not exist', '{"data"', 'application/json; charset=nonsense'],
  ['a form', 'data=1', 'application/x-www-form-urlencoded'],
  ['half a gzip', Buffer.from([31, 139, 8, 0]), 'application/json'],
  ['nothing', '', 'application/json'],
];

/** Addresses of hostile clients, as Google's front end appends them to what they have written themselves. */
const forwardedFor = (random: Random): Record<string, string> => {
  const own = `203.0.113.${random.between(1, 250)}`;
  const written = pick(
    ['', '127.0.0.1, ', '127.0.0.1, 10.0.0.1, ', 'unknown, ', `${own}, `, '::1, '],
    random,
  );
  return { 'x-forwarded-for': `${written}${own}` };
};

const sample = <T>(values: fc.Arbitrary<T>, random: Random): T =>
  fc.sample(values, { seed: random.between(0, 2 ** 31 - 1), numRuns: 1 })[0] as T;

const sendTo = async (url: string, random: Random, hostile: Hostile): Promise<number> => {
  const headers = { ...forwardedFor(random), ...hostile.headers };
  const answer = await post(url, { ...hostile, headers });
  await answer.arrayBuffer();
  return answer.status;
};

/** A callback that ends a story in every way at once. */
const endOf = (storyId: string): Readonly<Record<string, unknown>> => ({
  story_id: storyId,
  audio_url: EVIL_URL,
  error: EVIL_URL,
  stage: 'synthesizing',
  job_id: 'evil',
});

/** @param victim draws the id of a story of an honest user */
export const hostileClients = (system: System, victim: (random: Random) => string): readonly Draw[] => {
  const { receiver, secrets, recorded } = system;
  const { baseUrl } = receiver;
  const port = Number(new URL(baseUrl).port);
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  const forgers = { key: STRANGERS, hmac: 'guess' };
  const bodies = Object.entries(hostileBodies());
  /** The receiver, and a callable: both read bodies by themselves. */
  const anyUrl = (random: Random): string =>
    random.chance(0.7)
      ? `${baseUrl}/api/tts/${pick(ROUTES, random)}`
      : system.callableUrl(pick([functions.request, functions.retry], random));
  const forged: Draw = (random) => {
    const [storyId, route] = [victim(random), pick(ROUTES, random)];
    const path = `/api/tts/${route}`;
    const body = Buffer.from(JSON.stringify(endOf(storyId)));
    const headers = pick(forgedProofs({ path, body, strangers: STRANGERS, ...secrets }), random)();
    return {
      name: `a forged ${route}`,
      wouldHave: `ended ${storyId}`,
      refusedWith: [401],
      send: () => sendTo(baseUrl + path, random, { body, headers }),
    };
  };
  const bomb: Draw = (random) => {
    const [name, hostile] = pick(bodies, random);
    const wouldHave = 'filled the memory';
    return { name, wouldHave, refusedWith: [413], send: () => sendTo(anyUrl(random), random, hostile) };
  };
  const broken: Draw = (random) => {
    const [name, text, type] = pick(BROKEN, random);
    const isGzip = name === 'half a gzip';
    const headers = { 'content-type': type, ...(isGzip ? { 'content-encoding': 'gzip' } : {}) };
    const hostile = { body: Buffer.from(text as string), headers };
    const refusedWith = [400, 401, 415];
    return {
      name,
      wouldHave: 'ended a story',
      refusedWith,
      send: () => sendTo(anyUrl(random), random, hostile),
    };
  };
  const webhook: Draw = (random) => {
    const query = new URLSearchParams({
      story: victim(random),
      job: 'evil',
      token: pick(['', 'x', 'a'.repeat(43)], random),
    });
    const output = { status: 'success', audio_url: EVIL_URL };
    const body = Buffer.from(JSON.stringify({ id: 'evil', status: 'COMPLETED', output }));
    return {
      name: 'a forged webhook of RunPod',
      wouldHave: 'ended a story',
      refusedWith: [401],
      send: () => sendTo(`${baseUrl}/api/tts/runpod-webhook?${query.toString()}`, random, { body }),
    };
  };
  /** A recorded message of an honest sender: as it was, it changes nothing more; as anything else, it is refused. */
  const replayed: Draw = (random) => {
    const { path, headers, body } = recorded.length === 0 ? NOTHING : pick(recorded.slice(-200), random);
    const { 'content-length': _length, ...kept } = headers;
    const [route, opens] = [pick(ROUTES, random), path.endsWith('/generate')];
    const isStandard = headers['webhook-id'] !== undefined;
    // The path is signed by the older scheme only; a body of another route has the wrong shape.
    const others = opens === (route === 'generate') ? [200, 401, 422] : [401];
    const changes: readonly (readonly [string, string, Record<string, string>, readonly number[]])[] = [
      ['as it was', path, {}, [200, 401]],
      ['with another idempotency key', path, { 'x-idempotency-key': `evil-${random.next()}` }, [200, 401]],
      ['with another id', path, { 'webhook-id': 'evil' }, isStandard ? [401] : [200, 401]],
      [`as ${route}`, `/api/tts/${route}`, {}, others],
    ];
    const [how, to, change, refusedWith] = pick(changes, random);
    return {
      name: `a replayed ${path}, ${how}`,
      wouldHave: 'been carried out twice',
      refusedWith,
      send: () => sendTo(baseUrl + to, random, { body, headers: { ...kept, ...change } }),
    };
  };
  /** Who may end jobs opens none. */
  const opened: Draw = (random) => {
    const [storyId, path] = [victim(random), '/api/tts/generate'];
    const body = Buffer.from(
      JSON.stringify({ story_id: storyId, user_id: 'evil', voice_id: 'slt', text: EVIL_URL }),
    );
    const headers = signStandard({ id: 'evil', timestampSeconds: Date.now() / 1000, body }, [
      secrets.standard,
    ]);
    return {
      name: "a generate with a worker's secret",
      wouldHave: 'opened a job',
      refusedWith: [401],
      send: () => sendTo(baseUrl + path, random, { body, headers }),
    };
  };
  const odd: Draw = (random) => {
    const fuzzed = sample(fuzzedRequest(forgers), random);
    return {
      name: `an odd ${fuzzed.method} ${fuzzed.path.slice(0, 80)}`,
      wouldHave: 'reached a route without a proof',
      refusedWith: fuzzed.path.includes('/health') ? [200, ...REFUSED] : REFUSED,
      send: async () => (await sendFuzzed(port, agent, fuzzed)).status,
    };
  };
  const raw: Draw = (random) => {
    const bytes = sample(rawBytes, random);
    const send = async (): Promise<number> =>
      Number(/^HTTP\/1\.1 (\d+)/.exec(await sendRaw(port, bytes))?.[1] ?? 0);
    return {
      name: `raw bytes ${bytes.subarray(0, 60).toString('latin1')}`,
      wouldHave: 'smuggled a request in',
      refusedWith: [100, ...REFUSED],
      send,
    };
  };
  const endless: Draw = () => ({
    name: 'an endless body',
    wouldHave: 'filled the memory',
    refusedWith: [413, 401],
    send: () => sendEndless(port),
  });
  return [
    bomb,
    bomb,
    broken,
    forged,
    forged,
    forged,
    webhook,
    opened,
    replayed,
    replayed,
    replayed,
    odd,
    odd,
    raw,
    endless,
  ];
};

const NOTHING: PassedRequest = { path: '/api/tts/callback', headers: {}, body: Buffer.alloc(0) };
const HEAD = 'POST /api/tts/callback HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';

/** Opens a connection and writes as `write` does, again and again, until there is an answer. @returns its status */
const drip = async (port: number, headers: string, next: string, everyMs: number): Promise<number> => {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<number>();
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
    const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
    if (status !== undefined) resolve(Number(status));
  });
  socket.on('error', () => resolve(0)).on('close', () => resolve(0));
  socket.write(`${HEAD}${headers}\r\n`);
  const timer = setInterval(() => socket.write(next), everyMs);
  return promise.finally(() => {
    clearInterval(timer);
    socket.destroy();
  });
};

const CHUNK = 'x'.repeat(16_384);
const sendEndless = (port: number): Promise<number> =>
  drip(port, 'transfer-encoding: chunked\r\n', `${CHUNK.length.toString(16)}\r\n${CHUNK}\r\n`, 1);

/** Connections that send a byte a second, so many at once, until it is over. @returns how they ended, by status */
export const sendSlowly = async (
  { receiver }: System,
  connections: number,
  isOver: () => boolean,
): Promise<ReadonlyMap<number, number>> => {
  const port = Number(new URL(receiver.baseUrl).port);
  const ends = new Map<number, number>();
  const connectAgain = async (): Promise<void> => {
    while (!isOver()) {
      const status = await drip(port, 'content-length: 100000\r\n', '{', 1_000);
      ends.set(status, (ends.get(status) ?? 0) + 1);
      await sleep(100);
    }
  };
  await Promise.all(Array.from({ length: connections }, connectAgain));
  return ends;
};
