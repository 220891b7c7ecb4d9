import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyHmac, verifyStandard } from '@taleback/core/signatures';
import { systemClock } from '@taleback/resilience';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type CallbackClient,
  callbackSubstitute,
  createCallbackClient,
  createHttpPost,
  createOutboxClient,
  createSendOnce,
  type DeadLetter,
  type Delivery,
  formatDeadLetter,
  type HttpPost,
  Outbox,
  OutboxStore,
  parseDeadLetter,
  readWaiting,
} from '../src/index.ts';
import { callbackTo } from './child-message.ts';
import { openRecordingReceiver, type RecordingReceiver, type Reply } from './recording-receiver.ts';

const KEY = Buffer.alloc(24, 1);
const HMAC = { secret: 'shared', prefix: 'storybook' };

const log = (): void => {};

let root: string;
let receiver: RecordingReceiver;
let reply: (count: number) => Reply;
let outbox: Outbox;
let client: CallbackClient;
let poster: HttpPost;
beforeEach(async ({ task }) => {
  root = await mkdtemp(join(tmpdir(), 'taleback-receivers-'));
  reply = () => ({ status: 200 });
  receiver = await openRecordingReceiver((_, count) => reply(count));
  // Any other receiver may be slow.
  poster = createHttpPost({ allowPrivate: true, timeoutMs: task.name.includes('hangs') ? 1_000 : 60_000 });
  const sending = { post: poster.post, secrets: [KEY], hmac: HMAC, now: Date.now };
  const keepDeadLetter = async (letter: DeadLetter): Promise<void> => {
    const { story_id: story } = JSON.parse(letter.message.body) as { story_id: string };
    await mkdir(join(root, 'audio'), { recursive: true });
    await writeFile(join(root, 'audio', `${story}-${letter.createdMs}.json`), formatDeadLetter(letter));
  };
  outbox = new Outbox({
    store: new OutboxStore(join(root, 'outbox'), log),
    send: createSendOnce(sending),
    substituteFor: callbackSubstitute,
    keepDeadLetter,
    policy: {
      backoff: { kind: 'exponential', initialMs: 10, maxMs: 50, jitter: 'equal' },
      deadlineMs: 60_000,
      unauthorizedMs: 10_000,
    },
    clock: systemClock,
    random: Math.random,
    log,
  });
  await outbox.open();
  await vi.waitUntil(() => outbox.status().sending, { timeout: 120_000, interval: 2 });
  const direct = createCallbackClient({
    ...sending,
    retry: { maxAttempts: 2, backoff: { kind: 'exponential', initialMs: 1, maxMs: 1, jitter: 'none' } },
    log,
  });
  client = createOutboxClient({ outbox, direct, keepDeadLetter, clock: systemClock, log });
});
afterEach(async () => {
  await outbox.close();
  await poster.close();
  await receiver.close();
  await rm(root, { recursive: true, force: true });
});

const deliver = (id = 's1-1'): Promise<Delivery> => client.deliver(callbackTo(receiver.url, id));
const untilEmpty = (): Promise<void> =>
  vi.waitFor(() => expect(outbox.status().depth).toBe(0), { timeout: 120_000, interval: 5 });
const folderOf = async (name: string): Promise<string[]> =>
  (await readdir(join(root, name), { recursive: true })).filter((file) => file.endsWith('.json'));
const firstTimes =
  (times: number, bad: Reply) =>
  (count: number): Reply =>
    count <= times ? bad : { status: 200 };

describe('a message arrives at a receiver that', () => {
  it('is well, within its first try', async () => {
    expect(await deliver()).toEqual({ kind: 'delivered', attempts: 1 });
    expect(readWaiting(join(root, 'outbox')).count).toBe(0);
  });

  it.each<[string, Reply]>([
    ['answers 500 for a while', { status: 500 }],
    ['answers 401 until its secret is there', { status: 401 }],
    ['drops connections', (incoming) => incoming.socket.resetAndDestroy()],
    ['hangs', () => {}],
    ['begins an answer and hangs', (_, outgoing) => void outgoing.writeHead(200).write('{')],
    [
      'breaks its answer off',
      (_, outgoing) => {
        outgoing.writeHead(200, { 'content-length': '100' });
        outgoing.write('{', () => outgoing.destroy());
      },
    ],
  ])('%s', async (_, bad) => {
    reply = firstTimes(3, bad);
    expect(await deliver()).toMatchObject({ kind: 'kept', attempts: 1 });
    await untilEmpty();
    expect(receiver.requests).toHaveLength(4);
    expect(outbox.status()).toMatchObject({ delivered: 1, refused: 0, expired: 0 });
  });

  it('asks for a second of quiet', async () => {
    reply = firstTimes(1, { status: 503, headers: { 'retry-after': '1' } });
    const startedAt = performance.now();
    await deliver();
    await untilEmpty();
    expect(performance.now() - startedAt).toBeGreaterThan(990);
    expect(receiver.requests).toHaveLength(2);
  });

  it('answers without end: it is not read to it', async () => {
    reply = () => (_, outgoing) => {
      outgoing.writeHead(200);
      const flood = (): void => {
        while (!outgoing.destroyed && outgoing.write('x'.repeat(65_536)));
        if (!outgoing.destroyed) outgoing.once('drain', flood);
      };
      outgoing.on('error', () => {});
      flood();
    };
    expect(await deliver()).toEqual({ kind: 'delivered', attempts: 1 });
  });
});

it('a redirect is not followed; the message is kept in the store, and its substitute is sent', async () => {
  reply = (count) =>
    count === 1 ? { status: 307, headers: { location: `${receiver.url}/elsewhere` } } : { status: 200 };
  expect(await deliver()).toMatchObject({ kind: 'refused', status: 307 });
  await untilEmpty();
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/api/tts/callback', '/api/tts/error-callback']);
  expect(receiver.requests[1]?.json).toMatchObject({ error_details: 'answered 307: {"success":true}' });
  const [file = ''] = await folderOf('audio');
  expect(file).toMatch(/^s1-\d{13}\.json$/);
  const letter = parseDeadLetter(await readFile(join(root, 'audio', file), 'utf8'));
  expect(letter).toMatchObject({ ok: true, cause: 'answered 307: {"success":true}' });
});

it('every attempt gets a new signature in both schemes, under one id, over the same bytes', async () => {
  reply = firstTimes(2, { status: 500 });
  await deliver();
  await untilEmpty();
  expect(receiver.requests).toHaveLength(3);
  for (const { method, headers, body, path } of receiver.requests) {
    expect(verifyStandard(headers, body, [KEY], Date.now())).toMatchObject({
      ok: true,
      messageId: 'ready_s1-1',
    });
    const verified = verifyHmac({ method, path, headers }, body, [HMAC.secret], HMAC.prefix, Date.now());
    expect(verified).toMatchObject({ ok: true });
    expect(body.equals(receiver.requests[0]?.body ?? Buffer.alloc(0))).toBe(true);
  }
  const stamps = receiver.requests.map(({ headers }) => headers.get('x-storybook-timestamp'));
  expect(new Set(stamps).size).toBe(3);
});

it('without a folder to write to, a message is sent directly, and kept in the store when that fails', async () => {
  // In one turn: the outbox looks at its folder ten times a second, and would make it again.
  renameSync(join(root, 'outbox'), join(root, 'moved'));
  writeFileSync(join(root, 'outbox'), 'a file in its place');
  expect(await deliver('s1-1')).toEqual({ kind: 'delivered', attempts: 1, excerpt: '{"success":true}' });
  reply = () => ({ status: 500 });
  expect(await deliver('s2-1')).toMatchObject({ kind: 'undeliverable', attempts: 2 });
  expect(await folderOf('audio')).toEqual([expect.stringMatching(/^s2-\d+\.json$/) as string]);
  expect(outbox.status()).toMatchObject({ sentWithout: 2 });
});
